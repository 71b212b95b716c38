import CanonicalBytes
import Cryptography
import FixedPoint
import Foundation
import Store
import Study
import TestSupport
import Testing

@testable import Site

/// A site that starts again reads the results it stored, and takes none that is not as it was published: the
/// values of a long sum lie beside their entry and are covered by its digest.
@Suite struct LongSumRestartTests {
  enum Damage: CaseIterable {
    case none, changedByte, cutOff, anotherWidth, missing, ofAnotherEntry
  }

  /// Two short results and a long one between them; what is stored of the long one's values is damaged.
  @Test(arguments: Damage.allCases, [RingWidth.bits32, .bits64])
  func onlyWhatWasPublishedIsTaken(damage: Damage, width: RingWidth) async throws {
    let study = AgreedStudy.synthetic(try SyntheticStudy.plan(), sites: ["a", "b", "c"])
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "long-sum-\(UUID().uuidString)"
    ).path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let path = "\(folder)/site.sqlite"
    let id = study.plan.id
    var written: [Study.TranscriptEntry] = []
    var head = Study.TranscriptEntry.genesis(of: study)
    do {
      let store = try SiteStore(path: path) { 0 }
      try await store.propose(
        id: id, name: "study", planText: "plan", planDigest: [1], proposer: "ada")
      try await store.decide(id, planDigest: [1], approved: true, by: "steward")
      for (index, count) in [3, 5000, 4].enumerated() {
        let sum: RingVector =
          switch width {
          case .bits32: .bits32((0...count).map { UInt32(truncatingIfNeeded: $0 &* 977) })
          case .bits64: .bits64((0...count).map { UInt64($0) &* 0x9E37_79B9_7F4A_7C15 })
          }
        let entry = Study.TranscriptEntry(
          index: UInt32(index), query: Blake2b.hash("test.query", [UInt8(index)]),
          kind: .crossProducts, content: .total(Total(sum: sum, participants: study.sites)),
          round: UInt64(index + 1))
        let previous = head
        head = entry.head(after: previous)
        let isLong = Study.TranscriptEntry.isLong(valueCount: count)
        #expect(isLong == (index == 1))
        try store.appendJournal(
          JournalBatch(
            transcript: [SiteTranscript.stored(entry, after: previous, head: head, study: id)],
            sums: isLong ? Self.stored(sum, index: Int64(index), damage) : []),
          study: id)
        written.append(entry)
      }
    }
    // The agent starts again.
    let store = try SiteStore(path: path) { 0 }
    guard damage == .none else {
      let error = await #expect(throws: StudyError(.transcriptMismatch, "")) {
        try await SiteTranscript.read(store, study: study)
      }
      #expect("\(try #require(error))".contains("result 1 of the study is not stored"))
      return
    }
    let read = try await SiteTranscript.read(store, study: study)
    #expect(read.entries == written && read.head == head)
  }

  private static func stored(_ sum: RingVector, index: Int64, _ damage: Damage) -> [LongSum] {
    var long = LongSum(index: index, width: sum.width.rawValue, bytes: sum.bytes)
    switch damage {
    case .none: break
    case .changedByte: long.bytes[long.bytes.count / 2] ^= 1
    case .cutOff: long.bytes.removeLast(8)
    case .anotherWidth:
      long.width = sum.width == .bits32 ? RingWidth.bits64.rawValue : RingWidth.bits32.rawValue
    case .missing: return []
    case .ofAnotherEntry: long.index = 0
    }
    return [long]
  }
}
