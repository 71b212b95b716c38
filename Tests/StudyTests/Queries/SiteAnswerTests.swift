import CanonicalBytes
import Cohort
import TestSupport
import Testing

@testable import Study

/// What a site publishes about itself decodes strictly: one encoding, nothing impossible, no trap.
@Suite struct SiteAnswerTests {
  private func published() async throws -> [(query: SiteQuery, site: String, bytes: [UInt8])] {
    let recorded = try await Recorded.shared.value
    var queries = recorded.siteQueries[...]
    return recorded.transcript.entries.flatMap {
      entry -> [(query: SiteQuery, site: String, bytes: [UInt8])] in
      guard case .answers(let answers) = entry.content else { return [] }
      let query = queries.removeFirst()
      return answers.map { (query, $0.site, $0.answer) }
    }
  }

  @Test func roundTripsEveryKind() async throws {
    let all = try await published()
    #expect(Set(all.map(\.query.kind)) == [.vocabulary, .ownModel, .performance, .distribution])
    for (query, site, bytes) in all {
      #expect(try SiteAnswer(bytes: bytes, to: query).canonicalBytes == bytes, "\(site)")
    }
  }

  @Test func anAnswerToAnotherQueryIsRefused() async throws {
    let all = try await published()
    for (query, _, bytes) in all {
      for other in all where other.query.kind != query.kind {
        #expect(throws: StudyError(.malformedAnswer, "")) {
          try SiteAnswer(bytes: bytes, to: other.query)
        }
      }
    }
  }

  @Test func impossibleAnswersAreRefused() async throws {
    let all = try await published()
    func refuses(_ answer: SiteAnswer, _ query: SiteQuery) -> Bool {
      do {
        _ = try SiteAnswer(bytes: answer.canonicalBytes, to: query)
        return false
      } catch {
        return error.code == .malformedAnswer
      }
    }
    for (query, _, bytes) in all {
      let answer = try SiteAnswer(bytes: bytes, to: query)
      switch (answer, query) {
      case (.vocabulary(let lists), _):
        #expect(refuses(.vocabulary(lists + [[]]), query))
        #expect(refuses(.vocabulary([]), query))
        #expect(refuses(.vocabulary([["a", "a"]]), query))
      case (.ownModel(let model), _):
        #expect(!model.coefficients.isEmpty)
        #expect(!refuses(.ownModel(.init(coefficients: [])), query))
        #expect(refuses(.ownModel(.init(coefficients: model.coefficients + [0])), query))
        for value in [Double.nan, .infinity, 1e7] {
          var wrong = model.coefficients
          wrong[0] = value
          #expect(refuses(.ownModel(.init(coefficients: wrong)), query))
        }
      case (.performance(let performances), _):
        #expect(refuses(.performance(performances + [performances[0]]), query))
        #expect(
          refuses(
            .performance([.init(model: "unknown", performance: performances[0].performance)]),
            query))
        guard case .performance(var request) = query else { continue }
        request.threshold = 0.4
        #expect(refuses(answer, .performance(request)))
      case (.distribution(let summaries), .distribution(var request)):
        #expect(refuses(.distribution(Array(summaries.dropLast())), query))
        #expect(refuses(.distribution(Array(summaries.reversed())), query))
        #expect(refuses(.distribution([]), query))
        // Bins of the site's own choosing would make the comparison meaningless.
        request.cuts[0] = [1, 2, 3]
        #expect(refuses(answer, .distribution(request)))
        request = try #require(Self.distribution(query))
        request.levels[2] = ["somewhere"]
        #expect(refuses(answer, .distribution(request)))
        request = try #require(Self.distribution(query))
        request.scoreCuts = [0.5]
        #expect(refuses(answer, .distribution(request)))
      default: Issue.record("an answer of another kind")
      }
    }
  }

  private static func distribution(_ query: SiteQuery) -> SiteQuery.DistributionRequest? {
    if case .distribution(let request) = query { request } else { nil }
  }

  /// Damaged and random bytes throw, or are themselves the canonical bytes of what was read.
  @Test func damagedBytesNeverTrap() async throws {
    var generator = SeededBytes(seed: 404)
    for (query, site, bytes) in try await published() where site == "site-1" {
      for _ in 0..<fuzzCount(500) {
        let damaged = generator.damaged(bytes)
        guard let read = try? SiteAnswer(bytes: damaged, to: query) else { continue }
        #expect(read.canonicalBytes == damaged, "seed 404, \(query.purpose)")
      }
      for length in 0..<100 {
        _ = try? SiteAnswer(bytes: generator.bytes(length), to: query)
        _ = try? SiteAnswer(
          bytes: [UInt8(generator.integer(below: 5))] + generator.bytes(length), to: query)
      }
      for count in stride(from: 0, to: bytes.count, by: 1 + bytes.count / 100) {
        #expect(throws: StudyError(.malformedAnswer, "")) {
          try SiteAnswer(bytes: Array(bytes.prefix(count)), to: query)
        }
      }
      #expect(throws: StudyError(.malformedAnswer, "")) {
        try SiteAnswer(bytes: bytes + [0], to: query)
      }
    }
  }

  @Test func anOversizedAnswerIsRefusedUnread() throws {
    let query = SiteQuery.vocabulary(features: [0], minimumCell: 1)
    #expect(throws: StudyError(.malformedAnswer, "")) {
      try SiteAnswer(
        bytes: [UInt8](repeating: 0, count: SiteAnswer.maximumBytes + 1), to: query)
    }
    // A forged count asks for more elements than the message holds.
    #expect(throws: StudyError(.malformedAnswer, "")) {
      try SiteAnswer(bytes: [2, 255, 255, 255, 255], to: query)
    }
  }

  /// An answer that cannot be read leaves its site out by name, at every party alike.
  @Test func publishedAnswersThatCannotBeTrueAreLeftOutByName() async throws {
    let all = try await published()
    let query = try #require(all.first { $0.query.kind == .performance }).query
    let signed = all.filter { $0.query == query }.map {
      TranscriptEntry.SignedAnswer(site: $0.site, answer: $0.bytes, signature: [])
    }
    var damaged = signed
    damaged[1].answer = [9, 9]
    let answers = SiteAnswers(published: damaged, to: query)
    #expect(answers.answers.count == signed.count - 1)
    #expect(answers.answers[signed[1].site] == nil)
    #expect(answers.absences[signed[1].site]?.contains("cannot be read") == true)
    #expect(SiteAnswers(published: signed, to: query).absences.isEmpty)
  }

  /// Twenty sites at the old limit of 2^60 were enough to overflow the sum over sites.
  @Test func aCountBeyondAllPatientsAndNoiseIsRefused() throws {
    let noise = NoiseRequirement(variance: 1 << 40, sensitivitySquared: 4096, group: .holdout)
    let query = SiteQuery.privatePerformance(
      .init(
        transform: try FrozenTransform([]),
        models: [.init(name: "m", origin: .study, coefficients: [0])], cuts: [], noise: noise))
    // 64 units for each of 2^24 patients, and 40 standard deviations of 2^20.
    let most: Int64 = (64 << 24) + (40 << 20)
    for counts in [[most, -most], [0, 0]] {
      _ = try SiteAnswer(bytes: SiteAnswer.noisyCounts(counts).canonicalBytes, to: query)
    }
    for counts in [[most + 1, 0], [0, -most - 1], [1 << 59, 0], [.min, .max]] {
      #expect(throws: StudyError(.malformedAnswer, "")) {
        _ = try SiteAnswer(bytes: SiteAnswer.noisyCounts(counts).canonicalBytes, to: query)
      }
    }
  }
}
