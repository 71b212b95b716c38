import Cohort
import Cryptography
import LinearModels
import TestSupport
import Testing

@testable import Study

/// What every site derives by itself: queries, their digests, and the shape of their answers.
@Suite struct QueryBytesTests {
  private static let number = TransformedFeature.number(
    .init(name: "age", unit: "a", imputation: 60, center: 61, scale: 10, hasMissingIndicator: true))

  @Test func digestsAreBoundToTheHistory() async throws {
    let recorded = try await Recorded.shared.value
    let genesis = TranscriptEntry.genesis(of: recorded.study)
    let other = try Digest([UInt8](repeating: 7, count: 32))
    for query in recorded.sums {
      #expect(query.digest(after: genesis) == query.digest(after: genesis))
      #expect(query.digest(after: genesis) != query.digest(after: other))
    }
    for query in recorded.siteQueries {
      #expect(query.digest(after: genesis) != query.digest(after: other))
    }
    // The chain of the transcript is the chain of the digests.
    var head = genesis
    var sums = recorded.sums[...]
    var sites = recorded.siteQueries[...]
    for entry in recorded.transcript.entries {
      switch entry.content {
      case .total: #expect(entry.query == sums.removeFirst().digest(after: head))
      case .answers: #expect(entry.query == sites.removeFirst().digest(after: head))
      }
      head = entry.head(after: head)
    }
    #expect(sums.isEmpty && sites.isEmpty && head.hex == recorded.head)
  }

  @Test func everyFieldOfASumQueryCounts() throws {
    let transform = try FrozenTransform([Self.number])
    let shifted = try FrozenTransform([
      .number(
        .init(
          name: "age", unit: "a", imputation: 60, center: 61.5, scale: 10,
          hasMissingIndicator: true))
    ])
    let model = ModelSpecification(name: "m", training: .newton(.init()))
    let other = ModelSpecification(name: "m", training: .newton(.init(ridge: 2)))
    func newton(
      _ transform: FrozenTransform = transform, _ name: String = "m",
      _ coefficients: [Double] = [0, 1], _ site: String? = nil
    ) -> SumQuery {
      .newton(
        .init(
          transform: transform,
          fits: [.init(model: name, coefficients: coefficients, excludedSite: site)]))
    }
    let queries: [SumQuery] = [
      .profile, .levels([]), .levels([.init(feature: 0, levels: ["a", "b"])]),
      .levels([.init(feature: 1, levels: ["a", "b"])]),
      .levels([.init(feature: 0, levels: ["ab"])]),
      .levels([.init(feature: 0, levels: ["b", "a"])]),
      .below([]), .below([.init(feature: 0, probes: [1, 2])]),
      .below([.init(feature: 0, probes: [1, 2.5])]), .below([.init(feature: 1, probes: [1, 2])]),
      .moments([.init(feature: 0, center: 1, scale: 2)]),
      .moments([.init(feature: 0, center: 1, scale: 3)]),
      .moments([.init(feature: 0, center: 0, scale: 2)]), newton(), newton(shifted),
      newton(transform, "n"), newton(transform, "m", [0, 1.0000000000000002]),
      newton(transform, "m", [-0.0, 1]), newton(transform, "m", [0, 1], "a"),
      newton(transform, "m", [0, 1], ""),
      .averaging(.init(transform: transform, model: model, round: 0, weights: [0, 1])),
      .averaging(.init(transform: transform, model: model, round: 1, weights: [0, 1])),
      .averaging(.init(transform: transform, model: other, round: 0, weights: [0, 1])),
      .averaging(.init(transform: transform, model: model, round: 0, weights: [0, 2])),
    ]
    #expect(Set(queries.map(\.canonicalBytes)).count == queries.count)
    #expect(Set(queries.map(\.kind)).count == 6)
  }

  @Test func everyFieldOfASiteQueryCounts() throws {
    let transform = try FrozenTransform([Self.number])
    let model = NamedModel(name: "m", origin: .study, coefficients: [0, 1])
    func performance(
      _ models: [NamedModel] = [model], ridge: Double? = 1, threshold: Double = 0.5,
      cell: Int = 10
    ) -> SiteQuery {
      .performance(
        .init(
          transform: transform, models: models, ownModelRidge: ridge, threshold: threshold,
          minimumCell: cell))
    }
    func distribution(
      cuts: [Int: [Double]] = [0: [1, 2]], levels: [Int: [String]] = [1: ["a"]],
      score: [Double] = [0.5], cell: Int = 10
    ) -> SiteQuery {
      .distribution(
        .init(
          cuts: cuts, levels: levels, transform: transform, model: model, scoreCuts: score,
          minimumCell: cell))
    }
    func renamed(_ name: String, _ origin: NamedModel.Origin) -> NamedModel {
      NamedModel(name: name, origin: origin, coefficients: [0, 1])
    }
    let queries: [SiteQuery] = [
      .vocabulary(features: [0], minimumCell: 10), .vocabulary(features: [1], minimumCell: 10),
      .vocabulary(features: [0], minimumCell: 9), .vocabulary(features: [], minimumCell: 10),
      .ownModel(.init(transform: transform, ridge: 1)),
      .ownModel(.init(transform: transform, ridge: 2)), performance(), performance([]),
      performance([model, model]), performance([renamed("n", .study)]),
      performance([renamed("m", .site("a"))]), performance([renamed("m", .withoutSite("a"))]),
      performance([renamed("m", .site("b"))]), performance(ridge: nil), performance(ridge: 0),
      performance(threshold: 0.25), performance(cell: 5), distribution(),
      distribution(cuts: [0: [1, 3]]), distribution(cuts: [1: [1, 2]]),
      distribution(levels: [1: ["b"]]), distribution(score: []), distribution(cell: 1),
    ]
    #expect(Set(queries.map(\.canonicalBytes)).count == queries.count)
  }

  /// Dictionaries have no order; the bytes have one.
  @Test func bytesDoNotDependOnDictionaryOrder() throws {
    let transform = try FrozenTransform([Self.number])
    func query(_ keys: [Int]) -> SiteQuery {
      var cuts: [Int: [Double]] = [:]
      for key in keys { cuts[key] = [Double(key)] }
      return .distribution(
        .init(
          cuts: cuts, levels: [:], transform: transform,
          model: .init(name: "m", origin: .study, coefficients: []), scoreCuts: [], minimumCell: 1))
    }
    let keys = Array(0..<40)
    #expect(query(keys).canonicalBytes == query(keys.reversed()).canonicalBytes)
  }

  @Test func theShapeIsKnownBeforeTheAnswer() async throws {
    let recorded = try await Recorded.shared.value
    for (site, cohort) in recorded.cohorts {
      var answers = LocalAnswers(site: site, plan: recorded.plan, cohort: cohort, noiseKey: nil)
      for query in recorded.sums {
        let answer = try answers.answer(query)
        #expect(answer.count == (try query.vectorLength(in: recorded.plan)), "\(query.purpose)")
        try query.check(answer, in: recorded.plan, rowCount: cohort.rowCount)
        #expect(throws: StudyError(.malformedAnswer, "")) {
          try query.check(answer + [0], in: recorded.plan, rowCount: cohort.rowCount)
        }
        #expect(throws: StudyError(.malformedAnswer, "")) {
          try query.check(Array(answer.dropLast()), in: recorded.plan, rowCount: cohort.rowCount)
        }
        #expect(throws: StudyError(.malformedAnswer, "")) {
          try query.check([1], in: recorded.plan, rowCount: cohort.rowCount)
        }
        guard query.isCounts else { continue }
        for impossible in [-1, Int64(cohort.rowCount) + 1, .min, .max] {
          var wrong = answer
          wrong[answer.count - 1] = impossible
          #expect(throws: StudyError(.malformedAnswer, "")) {
            try query.check(wrong, in: recorded.plan, rowCount: cohort.rowCount)
          }
        }
      }
    }
  }

  @Test func countsLiveInThirtyTwoBits() async throws {
    for query in try await Recorded.shared.value.sums {
      #expect((query.ringWidth == .bits32) == query.isCounts)
    }
  }
}
