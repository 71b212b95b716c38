import CanonicalBytes
import TestSupport
import Testing

@testable import Study

/// The transcript as a file and its entries as bytes: exact, and damage is noticed.
@Suite struct TranscriptFileTests {
  private func small() async throws -> Transcript {
    var transcript = try await Recorded.shared.value.transcript
    transcript.entries = Array(transcript.entries.prefix(3))
    return transcript
  }

  @Test func roundTrips() async throws {
    let transcript = try await Recorded.shared.value.transcript
    #expect(try Transcript(fileBytes: transcript.fileBytes) == transcript)
    var bare = transcript
    bare.entries = []
    bare.result = nil
    bare.manifest = []
    bare.disclosures = []
    #expect(try Transcript(fileBytes: bare.fileBytes) == bare)
    // The order in which disclosures are given does not matter.
    let reversed = Transcript(
      studyText: transcript.studyText, sites: transcript.sites,
      disclosures: Disclosure.allCases.reversed() + Disclosure.allCases,
      manifest: transcript.manifest, entries: transcript.entries, result: transcript.result)
    #expect(reversed == transcript)
    for entry in transcript.entries {
      var writer = ByteWriter()
      entry.write(to: &writer)
      var reader = ByteReader(writer.bytes)
      #expect(try TranscriptEntry(from: &reader) == entry)
      try reader.finish()
    }
  }

  /// The file names the version of the program that wrote it; another version refuses it with both.
  @Test func anotherVersionIsNamed() async throws {
    var transcript = try await small()
    transcript.programVersion = StudyPlan.programVersion - 1
    let read = try Transcript(fileBytes: transcript.fileBytes)
    #expect(read == transcript)
    let error = try #require(throws: StudyError.self) { try read.agreedStudy() }
    #expect(error.code == .transcriptMismatch)
    #expect(error.message.contains("program version \(StudyPlan.programVersion - 1) wrote"))
    #expect(error.message.contains("this program is version \(StudyPlan.programVersion)"))
    // Files of the first form do not name it.
    transcript.programVersion = nil
    #expect(transcript.fileBytes.prefix(5) == [0x57, 0x52, 0x54, 0x52, 1])
    let old = try Transcript(fileBytes: transcript.fileBytes)
    #expect(old == transcript)
    _ = try old.agreedStudy()
    #expect(old.versionCaveat.contains("too old to name"))
  }

  @Test func everyTruncationAndEveryChangedByteIsNoticed() async throws {
    let bytes = try await small().fileBytes
    for count in stride(from: 0, to: bytes.count, by: 3) {
      #expect(throws: DecodingFault.self) {
        try Transcript(fileBytes: Array(bytes.prefix(count)))
      }
    }
    for index in stride(from: 0, to: bytes.count, by: 5) {
      var changed = bytes
      changed[index] ^= UInt8(1 << (index % 8))
      #expect(throws: DecodingFault.self, "byte \(index)") { try Transcript(fileBytes: changed) }
    }
  }

  @Test func randomBytesNeverTrap() async throws {
    var generator = SeededBytes(seed: 91)
    for length in 0..<300 {
      #expect(throws: DecodingFault.self) {
        try Transcript(fileBytes: generator.bytes(length))
      }
    }
    // Entries have no digest of their own: damage either throws or reads as another entry.
    for entry in try await small().entries {
      var writer = ByteWriter()
      entry.write(to: &writer)
      for _ in 0..<fuzzCount(400) {
        let damaged = generator.damaged(writer.bytes)
        var reader = ByteReader(damaged)
        guard let read = try? TranscriptEntry(from: &reader) else { continue }
        var again = ByteWriter()
        read.write(to: &again)
        #expect(again.bytes == Array(damaged.prefix(reader.offset)), "seed 91")
      }
    }
  }
}
