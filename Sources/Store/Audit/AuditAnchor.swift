import CanonicalBytes
import Foundation

/// A signed statement that the audit log had so many entries and ended in this hash.
///
/// Kept beside the database, and better also elsewhere, it shows later that the log was not cut off
/// or rewritten before that point.
public struct AuditAnchor: Sendable, Equatable {
  /// How many entries the log had.
  public var entryCount: Int64
  /// Hash of the last of them.
  public var hash: [UInt8]
  /// Seconds since 1970-01-01 UTC.
  public var time: Double
  /// The site's signature over `statement`.
  public var signature: [UInt8]

  public init(entryCount: Int64, hash: [UInt8], time: Double, signature: [UInt8]) {
    self.entryCount = entryCount
    self.hash = hash
    self.time = time
    self.signature = signature
  }

  /// What is signed: 32 bytes, bound to this use by a label of its own.
  public var statement: [UInt8] {
    var writer = ByteWriter(reservingCapacity: 64)
    writer.integer(UInt8(1))
    writer.integer(entryCount)
    writer.blob(hash)
    writer.double(time)
    return StoreHash.auditAnchor.digest(writer.bytes)
  }

  /// Version, entry count, hash, time, signature.
  public var canonicalBytes: [UInt8] {
    var writer = ByteWriter(reservingCapacity: 160)
    writer.integer(UInt8(1))
    writer.integer(entryCount)
    writer.blob(hash)
    writer.double(time)
    writer.blob(signature)
    return writer.bytes
  }

  /// Decodes `canonicalBytes`; throws `corrupted` on anything else.
  public init(canonicalBytes bytes: [UInt8]) throws(StoreError) {
    do {
      var reader = ByteReader(bytes)
      guard try reader.integer(UInt8.self) == 1 else { throw DecodingFault(.notCanonical, at: 0) }
      let entryCount = try reader.integer(Int64.self)
      let hash = try reader.blob(limit: 64)
      let time = try reader.double()
      let signature = try reader.blob(limit: 4096)
      try reader.finish()
      guard entryCount >= 0 else { throw DecodingFault(.notCanonical, at: 1) }
      self.init(entryCount: entryCount, hash: hash, time: time, signature: signature)
    } catch {
      throw StoreError(.corrupted, "an audit anchor cannot be read")
    }
  }
}

extension AuditLog {
  /// The head of the log as it is now, signed.
  ///
  /// - Parameter sign: signs the statement with the site's Ed25519 key.
  public func anchor(
    signedBy sign: @Sendable (_ statement: [UInt8]) throws -> [UInt8]
  ) async throws(StoreError) -> AuditAnchor {
    let head = try await head()
    var anchor = AuditAnchor(
      entryCount: head.count, hash: head.hash, time: database.clock(), signature: [])
    do { anchor.signature = try sign(anchor.statement) } catch {
      throw StoreError(.other, "the audit anchor could not be signed")
    }
    return anchor
  }
}

/// The file beside the database that keeps the last anchor.
public enum AuditAnchorFile {
  /// Replaces the file; it appears whole and synced, or not at all.
  public static func write(_ anchor: AuditAnchor, to path: String) throws(StoreError) {
    let operation = "write audit anchor"
    let partial = path + ".partial"
    let bytes = anchor.canonicalBytes
    _ = unlink(partial)
    let descriptor = open(partial, O_CREAT | O_WRONLY | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw StoreError(
        errno == ENOSPC ? .diskFull : .cannotOpen, file: path, operation: operation)
    }
    let written = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
    let failure = errno
    let synced = fsync(descriptor) == 0
    _ = close(descriptor)
    guard written == bytes.count, synced, rename(partial, path) == 0 else {
      _ = unlink(partial)
      throw StoreError(
        failure == ENOSPC || (written >= 0 && written < bytes.count) ? .diskFull : .inputOutput,
        file: path, operation: operation)
    }
    StoreDatabase.syncFolder(of: path)
  }

  /// Reads the file; nil when there is none.
  public static func read(from path: String) throws(StoreError) -> AuditAnchor? {
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    guard let data = FileManager.default.contents(atPath: path), data.count <= 8192 else {
      throw StoreError(.cannotOpen, file: path, operation: "read audit anchor")
    }
    do { return try AuditAnchor(canonicalBytes: Array(data)) } catch {
      throw error.located(file: path, operation: "read audit anchor")
    }
  }
}
