import CanonicalBytes
import LinearModels
import Validation

/// A site's answer to a `SiteQuery`: a small table of aggregates about the site.
public enum SiteAnswer: Sendable, Equatable {
  /// Levels per asked feature, in alphabetical order of their UTF-8.
  case vocabulary([[String]])
  /// The site's own model.
  case ownModel(OwnModel)
  /// Performance by model name.
  case performance([NamedPerformance])
  /// Distributions: one summary per feature in the plan's order, then the score's.
  case distribution([FeatureSummary])
  /// Counts on the lattice with the site's own noise on each.
  case noisyCounts([Int64])
  /// How the site's records became its cohort.
  case cohortFlow(CohortFlowAnswer)
  /// What the site's records look like.
  case harmonisation(HarmonisationAnswer)

  /// Coefficients fitted on one site's training patients; empty when the site has too few patients
  /// or one outcome class.
  public struct OwnModel: Sendable, Equatable {
    /// Intercept first, standardised scale.
    public var coefficients: [Double]
  }

  /// How a model does on the site's holdout.
  public struct NamedPerformance: Sendable, Equatable {
    /// Name of the model; `SiteAnswer.ownModelName` for the site's own.
    public var model: String
    public var performance: SitePerformance
  }

  /// Name under which a site reports its own model.
  public static let ownModelName = "own model"

  /// Largest encoding that is accepted, in bytes.
  public static let maximumBytes = 4 << 20

  /// The canonical bytes, which the site signs.
  public var canonicalBytes: [UInt8] {
    var writer = ByteWriter()
    switch self {
    case .vocabulary(let lists):
      writer.integer(UInt8(1))
      writer.array(lists) { $0.array($1) { $0.string($1) } }
    case .ownModel(let model):
      writer.integer(UInt8(2))
      writer.array(model.coefficients) { $0.double($1) }
    case .performance(let performances):
      writer.integer(UInt8(3))
      writer.array(performances) {
        $0.string($1.model)
        $0.blob($1.performance.canonicalBytes)
      }
    case .distribution(let summaries):
      writer.integer(UInt8(4))
      writer.array(summaries) { $0.blob($1.canonicalBytes) }
    case .noisyCounts(let counts):
      writer.integer(UInt8(5))
      writer.array(counts) { $0.integer($1) }
    case .cohortFlow(let flow):
      writer.integer(UInt8(6))
      flow.write(to: &writer)
    case .harmonisation(let answer):
      writer.integer(UInt8(7))
      answer.write(to: &writer)
    }
    return writer.bytes
  }

  /// Decodes what a site sent and checks it against the query: lengths, names, plausibility. An
  /// answer that cannot be true (a negative count, an AUROC above one, coefficients that are not
  /// finite) is refused here, at every party.
  public init(bytes: [UInt8], to query: SiteQuery) throws(StudyError) {
    let decoded: SiteAnswer
    do {
      guard bytes.count <= Self.maximumBytes else { throw DecodingFault(.tooLong, at: 0) }
      decoded = try Self.decode(bytes)
    } catch {
      throw StudyError(.malformedAnswer, "the answer to \(query.purpose) cannot be read: \(error)")
    }
    if let problem = decoded.problem(as: query) {
      throw StudyError(
        .malformedAnswer, "the answer to \(query.purpose) is not possible: \(problem)")
    }
    self = decoded
  }

  private static func decode(_ bytes: [UInt8]) throws -> SiteAnswer {
    var reader = ByteReader(bytes)
    let answer: SiteAnswer
    switch try reader.integer(UInt8.self) {
    case 1:
      answer = .vocabulary(
        try reader.array(minimumBytes: 4) { (r) throws(DecodingFault) in
          try r.array(minimumBytes: 4) { (r) throws(DecodingFault) in try r.string(limit: 256) }
        })
    case 2:
      answer = .ownModel(
        OwnModel(
          coefficients: try reader.array(minimumBytes: 8) { (r) throws(DecodingFault) in
            try r.double()
          }))
    case 3:
      let parts = try reader.array(minimumBytes: 8) { (r) throws(DecodingFault) in
        (try r.string(limit: 256), try r.blob())
      }
      answer = .performance(
        try parts.map {
          NamedPerformance(model: $0.0, performance: try SitePerformance(canonicalBytes: $0.1))
        })
    case 4:
      let parts = try reader.array(minimumBytes: 4) { (r) throws(DecodingFault) in try r.blob() }
      answer = .distribution(try parts.map { try FeatureSummary(canonicalBytes: $0) })
    case 5:
      answer = .noisyCounts(
        try reader.array(minimumBytes: 8) { (r) throws(DecodingFault) in
          try r.integer(Int64.self)
        })
    case 6: answer = .cohortFlow(try CohortFlowAnswer(&reader))
    case 7: answer = .harmonisation(try HarmonisationAnswer(&reader))
    default: throw DecodingFault(.notCanonical, at: 0)
    }
    try reader.finish()
    return answer
  }

  /// What is impossible about the answer, in words; nil when nothing is.
  private func problem(as query: SiteQuery) -> String? {
    switch (self, query) {
    case (.vocabulary(let lists), .vocabulary(let features, _)):
      guard lists.count == features.count else { return "one list per feature is expected" }
      guard lists.allSatisfy({ $0.count <= 10_000 && Set($0).count == $0.count }) else {
        return "a level stands twice, or there are more than 10,000"
      }
    case (.cohortFlow(let flow), .cohortFlow(let stepCount, let minimumCell)):
      guard flow.counts.count == stepCount else { return "one count per step is expected" }
      guard
        flow.counts.allSatisfy({ count in
          count.map { $0 == 0 || (Int64(minimumCell)...Int64(Int32.max)).contains($0) } ?? true
        })
      else { return "a count that is negative, too small to be shown, or too large" }
    case (
      .harmonisation(let answer),
      .harmonisation(let variableCount, let featureCount, let minimumCell)
    ):
      return answer.problem(
        variableCount: variableCount, featureCount: featureCount, minimumCell: minimumCell)
    case (.ownModel(let model), .ownModel(let request)):
      let expected = request.transform.columnCount + 1
      guard model.coefficients.isEmpty || model.coefficients.count == expected else {
        return "\(expected) coefficients are expected"
      }
      guard model.coefficients.allSatisfy({ $0.isFinite && $0.magnitude <= 1e6 }) else {
        return "coefficients must be finite"
      }
    case (.performance(let performances), .performance(let request)):
      let known = Set(request.models.map(\.name) + [Self.ownModelName])
      guard Set(performances.map(\.model)).count == performances.count,
        performances.allSatisfy({ known.contains($0.model) })
      else { return "a model that was not asked for, or twice" }
      guard performances.allSatisfy({ $0.performance.threshold == request.threshold }) else {
        return "another threshold than the study's"
      }
      let targets = Dictionary(
        request.models.map { ($0.name, $0.trees?.target) }, uniquingKeysWith: { first, _ in first })
      guard
        performances.allSatisfy({ named in
          named.performance.values?.fits(targets[named.model].flatMap { $0 }) ?? true
        })
      else { return "values that the model does not predict" }
    case (.distribution(let summaries), .distribution(let request)):
      guard summaries.count == request.summaryCount else {
        return "one summary per feature and one of the score are expected"
      }
      let names =
        request.transform.features.map(\.name) + [SiteQuery.DistributionRequest.scoreName]
      guard summaries.map(\.feature) == names else { return "a feature of another name" }
      guard zip(summaries, request.bins).allSatisfy({ $0.bins == $1 }) else {
        return "other bins than those asked for"
      }
    case (.noisyCounts(let counts), .privatePerformance(let request)):
      return Self.problem(counts, length: request.length, noise: request.noise)
    case (.noisyCounts(let counts), .privateDistribution(let request)):
      return Self.problem(counts, length: request.length, noise: request.noise)
    default: return "it answers another kind of query"
    }
    return nil
  }
}

extension SiteAnswer {
  /// Noise may make a count negative. A count is of at most as many patients as a site may have, and
  /// noise beyond 40 standard deviations is nobody's: a site that claims more is left out, and no sum over
  /// sites comes near the integers' range.
  private static func problem(
    _ counts: [Int64], length: Int, noise: NoiseRequirement
  ) -> String? {
    guard counts.count == length else { return "\(length) counts are expected" }
    let patients = PrivacyPlan.countUnit * UInt64(LogisticNewton.maximumPatientCount)
    let limit = Double(patients) + 40 * Double(noise.variance).squareRoot()
    guard counts.allSatisfy({ Double($0.magnitude) <= limit }) else {
      return "a count beyond all patients and all noise"
    }
    return nil
  }
}

extension SiteAnswers {
  /// The published answers of one query; an answer that cannot be read or cannot be true is left
  /// out by name, at every party alike.
  public init(published: [TranscriptEntry.SignedAnswer], to query: SiteQuery) {
    var answers: [String: SiteAnswer] = [:]
    var absences: [String: String] = [:]
    for signed in published {
      do {
        answers[signed.site] = try SiteAnswer(bytes: signed.answer, to: query)
      } catch {
        absences[signed.site] = error.message
      }
    }
    self.init(answers: answers, absences: absences)
  }
}

extension ValuePerformance {
  /// Whether it is about what a model predicts: the same kind, the same classes, means within the range.
  fileprivate func fits(_ target: ValueTarget?) -> Bool {
    switch (self, target?.values) {
    case (.numbers(let numbers), .number(let range)):
      // A mean of equal numbers at an end may be rounded beyond it.
      !numbers.isCount
        && [numbers.meanObserved, numbers.meanPredicted].allSatisfy {
          let slack = (range.upperBound - range.lowerBound) * 1e-9
          return $0 >= range.lowerBound - slack && $0 <= range.upperBound + slack
        }
    case (.numbers(let numbers), .count(let maximum)):
      numbers.isCount && (0...Double(maximum)).contains(numbers.meanObserved)
    case (.classes(let performance), .classes(let classes)): performance.names == classes
    default: false
    }
  }
}
