import Cohort
import Cryptography
import FixedPoint
import Foundation
import Simulation
import Store
import Study
import Synchronization
import TestSupport
import Testing
import Transport

@testable import SecureAggregation
@testable import Site

/// Whole studies with one party that misbehaves on purpose: what stops the study, and what is left in
/// the databases of the others.
@Suite struct HostilePartyTests {
  private static let policy = SitePolicy(minimumCohort: 1, minimumCell: 1, autoApprove: true)

  /// A study of four hospitals, and what their stores hold afterwards, read from the disk again.
  private struct Left {
    var ending: String
    var finished = false
    var aggregator: [StoredEvidence]
    var sites: [String: [StoredEvidence]]
    /// Per store: how many audit lines say that evidence was kept, and whether the log is whole.
    var lines: [String: Int]
    var isWhole: Bool

    func review(_ parties: String...) throws -> EvidenceReview {
      let pieces = parties.flatMap { $0 == "aggregator" ? aggregator : sites[$0] ?? [] }
      return try EvidenceReview(
        pieces.map { try Evidence($0.content) }, layerNoise: discreteGaussianNoise)
    }
  }

  private func left(by misbehaviour: Misbehaviour) async throws -> Left {
    let plan = try SyntheticStudy.plan()
    let sites = try SyntheticCohort.partition(
      try SyntheticCohort.table(plan, patients: 240), into: 4, seed: 5)
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "hostile-\(UUID().uuidString)"
    ).path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let simulation = try Simulation(
      sites: sites.mapValues { table in { _ in table } }, folder: folder, policy: Self.policy,
      misbehaviour: misbehaviour)
    var left = Left(
      ending: "", aggregator: [], sites: [:], lines: [:], isWhole: true)
    do {
      _ = try await simulation.run(SyntheticStudy.yaml())
      left.finished = true
    } catch {
      left.ending = String(describing: error)
    }
    // Other handles on the same files: what is kept does not live in a process.
    let aggregator = try AggregatorStore(path: "\(folder)/aggregator.sqlite") { 0 }
    left.aggregator = try await aggregator.evidence()
    left.lines["aggregator"] = try await Self.lines(aggregator.audit)
    for site in sites.keys {
      let store = try SiteStore(path: "\(folder)/sites/\(site).sqlite") { 0 }
      left.sites[site] = try await store.evidence()
      left.lines[site] = try await Self.lines(store.audit)
      if try await store.audit.verify().fault != nil { left.isWhole = false }
    }
    return left
  }

  private static func lines(_ audit: AuditLog) async throws -> Int {
    try await audit.latestEntries(limit: 10_000).count { $0.note.action == "evidence-kept" }
  }

  private static func forged(
    _ message: [UInt8], _ key: Cryptography.SigningKey, _ change: ([UInt8]) throws -> [UInt8]
  ) rethrows -> [UInt8]? {
    guard let envelope = try? Envelope(parsing: message, naming: []) else { return nil }
    return Envelope.sealed(
      envelope.kind, manifest: envelope.manifest, epoch: envelope.epoch, round: envelope.round,
      sender: envelope.sender, body: try change(envelope.body), key: key)
  }

  private static func kind(_ frame: Frame) -> SecureAggregation.MessageKind? {
    frame.kind == Study.MessageKind.secureSum.rawValue
      ? Envelope.unchecked(frame.body)?.kind : nil
  }

  @Test("A different query to one site: the study stops, and two sites' files prove it")
  func differentQueryToOneSite() async throws {
    let left = try await left(
      by: Misbehaviour { sender, receiver, frame, key in
        guard sender == "aggregator", receiver == "site-2", Self.kind(frame) == .roundOpen,
          let body = try? Self.forged(
            frame.body, key,
            { bytes in
              let open = try RoundOpen(bytes)
              return RoundOpen(
                mode: open.mode,
                binding: RoundBinding(
                  purpose: open.purpose, queryDigest: .zero, ringWidth: open.ringWidth,
                  vectorLength: open.vectorLength), prefetch: open.prefetch,
                previousDigest: open.previousDigest, members: open.members
              ).bytes
            })
        else { return frame }
        return Frame(kind: frame.kind, study: frame.study, body: body)
      })
    #expect(!left.finished)
    #expect(left.ending.contains("query-mismatch"), "\(left.ending)")
    #expect(try !left.review("site-2").provesMisbehaviour)
    let review = try left.review("site-1", "site-2")
    #expect(
      review.findings.contains { $0.offence == .equivocation && $0.accused == [0] },
      "\(review.findings)")
    #expect(left.isWhole)
    for (site, pieces) in left.sites { #expect(left.lines[site] == pieces.count, "\(site)") }
  }

  @Test("A false sum to all sites: all halt, keep what they have, and together they convict")
  func falseSumToAll() async throws {
    let opens = Mutex<[String: [UInt8]]>([:])
    let left = try await left(
      by: Misbehaviour { sender, receiver, frame, key in
        guard sender == "aggregator" else { return frame }
        if Self.kind(frame) == .roundOpen { opens.withLock { $0[receiver] = frame.body } }
        guard Self.kind(frame) == .result, let payload = try? frame.payload?.bytes(),
          let open = opens.withLock({ $0[receiver] }),
          let changed = try? FalseResult.changing(
            frame.body, payload: payload, open: open, key: key)
        else { return frame }
        return Frame(
          kind: frame.kind, study: frame.study, body: changed.message,
          payload: Payload(changed.payload))
      })
    #expect(!left.finished)
    #expect(left.ending.contains("sum"), "\(left.ending)")
    for pieces in left.sites.values { #expect(pieces.contains { $0.fault == "sum-rejected" }) }
    let two = try left.review("site-1", "site-2")
    #expect(two.findings.contains { $0.offence == .falseSum && $0.accused == [0, 1, 2, 3, 4] })
    let all = try left.review("site-1", "site-2", "site-3", "site-4")
    #expect(
      all.findings.contains { $0.offence == .falseSum && $0.accused == [0] },
      "\(all.findings) \(all.remarks)")
  }

  @Test("Garbage of a site: it is left out, the others finish, the aggregator can prove it")
  func garbageOfASite() async throws {
    let count = Mutex(0)
    let left = try await left(
      by: Misbehaviour { sender, _, frame, key in
        guard sender == "site-3", Self.kind(frame) == .ack,
          count.withLock({ count in
            count += 1
            return count == 3
          }),
          let body = Self.forged(frame.body, key, { Array($0.dropLast(5)) })
        else { return frame }
        return Frame(kind: frame.kind, study: frame.study, body: body)
      })
    #expect(left.finished, "\(left.ending)")
    let review = try left.review("aggregator")
    #expect(
      review.findings.contains { $0.offence == .malformed && $0.accused == [3] },
      "\(review.findings)")
    #expect(left.lines["aggregator"] == left.aggregator.count)
    #expect(left.aggregator.contains { $0.proves && $0.summary.contains("site-3") })
  }

  @Test("Nobody misbehaves: nobody keeps evidence")
  func honestStudyKeepsNothing() async throws {
    let left = try await left(by: .none)
    #expect(left.finished)
    #expect(left.aggregator.isEmpty)
    #expect(left.sites.values.joined().isEmpty)
  }
}
