import Cryptography
import Foundation

extension AuditLog {
  /// The log as JSON lines: one object per entry with `sequence`, `time` (seconds since 1970, exact),
  /// `utc` (the same for people), `actor`, `action`, `study`, `detail`, `previousHash` and `hash`
  /// in hexadecimal. Keys are sorted; the bytes depend on the log alone.
  ///
  /// - Parameter emit: takes one line at a time, each with its newline.
  public func exportJSONLines(
    from sequence: Int64 = 1, to emit: (String) throws -> Void
  ) async throws {
    var next = sequence
    while true {
      let batch = try await entries(from: next, limit: 512)
      for entry in batch { try emit(try entry.jsonLine() + "\n") }
      guard batch.count == 512, let last = batch.last else { return }
      next = last.sequence + 1
    }
  }

  /// The whole log as one text of JSON lines.
  public func jsonLines() async throws(StoreError) -> String {
    var text = ""
    do { try await exportJSONLines { text += $0 } } catch {
      throw StoreError(translating: error, file: database.path, operation: "export audit log")
    }
    return text
  }
}

extension AuditEntry {
  private struct Line: Codable {
    var sequence: Int64
    var time: Double
    var utc: String
    var actor: String
    var action: String
    var study: String
    var detail: String
    var previousHash: String
    var hash: String
  }

  /// The entry as one line of JSON, without a newline.
  public func jsonLine() throws(StoreError) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let line = Line(
      sequence: sequence, time: time, utc: Self.utcText(time), actor: note.actor,
      action: note.action, study: note.study, detail: note.detail,
      previousHash: Hexadecimal.encode(previousHash), hash: Hexadecimal.encode(hash))
    guard let data = try? encoder.encode(line) else {
      throw StoreError(.corrupted, "an audit entry cannot be written as JSON")
    }
    return String(decoding: data, as: UTF8.self)
  }

  /// The entry that a line of an export holds; throws `corrupted` on anything else.
  public init(jsonLine: String) throws(StoreError) {
    guard let line = try? JSONDecoder().decode(Line.self, from: Data(jsonLine.utf8)),
      let previousHash = Hexadecimal.decode(line.previousHash),
      let hash = Hexadecimal.decode(line.hash)
    else { throw StoreError(.corrupted, "a line of the audit export cannot be read") }
    self.init(
      sequence: line.sequence, time: line.time,
      note: AuditNote(
        actor: line.actor, action: line.action, study: line.study, detail: line.detail),
      previousHash: previousHash, hash: hash)
  }

  private static func utcText(_ seconds: Double) -> String {
    let date = Date(timeIntervalSince1970: seconds)
    return date.formatted(
      Date.ISO8601FormatStyle(includingFractionalSeconds: true, timeZone: .gmt))
  }
}

extension AuditLog {
  /// Walks an exported log, one line per entry, without any database: for an auditor who was
  /// given the file and anchors. A cut-off tail shows only against an anchor or a known head.
  public static func verify(
    jsonLines text: String, anchors: [AuditAnchor] = [],
    signatureIsValid: (_ statement: [UInt8], _ signature: [UInt8]) -> Bool = { _, _ in true }
  ) -> AuditVerification {
    var walk = AuditWalk(anchors: anchors)
    for anchor in anchors where !signatureIsValid(anchor.statement, anchor.signature) {
      return walk.verdict(AuditFault(.anchorForged, at: anchor.entryCount))
    }
    for line in text.split(separator: "\n") {
      guard let entry = try? AuditEntry(jsonLine: String(line)) else {
        return walk.verdict(AuditFault(.unreadable, at: walk.count + 1))
      }
      if let fault = walk.step(entry) { return walk.verdict(fault) }
    }
    let end = walk.verdict(nil)
    return walk.verdict(
      walk.finish(headCount: end.goodEntryCount, headHash: end.goodHash))
  }
}
