import Cohort
import PortableNumerics

/// Profile and preparation: counts, vocabularies, quantiles, moments, the frozen transform.
extension StudyProgram {
  /// Counts over all sites.
  struct Profile: Sendable {
    var trainingCount: Int
    var trainingEventCount: Int
    var holdoutCount: Int
    var holdoutEventCount: Int
    /// Training values present, per feature.
    var present: [Int]
    /// Training patients with "yes", per flag; 0 for other kinds.
    var positive: [Int]

    func missing(_ feature: Int) -> Int { max(0, trainingCount - present[feature]) }
  }

  func profile() async throws -> Profile {
    let total = try await sum(.profile, stage: "profile")
    let counts = try Self.counts(total.values, of: .profile)
    let featureCount = plan.cohort.features.count
    let profile = Profile(
      trainingCount: counts[0], trainingEventCount: counts[1], holdoutCount: counts[2],
      holdoutEventCount: counts[3],
      present: (0..<featureCount).map { counts[4 + 2 * $0] },
      positive: (0..<featureCount).map { counts[5 + 2 * $0] })
    guard profile.trainingEventCount <= profile.trainingCount,
      profile.holdoutEventCount <= profile.holdoutCount,
      profile.present.allSatisfy({ $0 <= profile.trainingCount }),
      zip(profile.positive, profile.present).allSatisfy({ $0 <= $1 })
    else {
      throw StudyError(
        .implausibleTotal, "the profile counts contradict each other; a site answered wrongly")
    }
    let events = min(
      profile.trainingEventCount, profile.trainingCount - profile.trainingEventCount)
    guard events >= plan.privacy.minimumCell, profile.trainingCount > 0 else {
      throw tooFew(profile)
    }
    return profile
  }

  /// Too few patients to fit a model on, and where the others went.
  private func tooFew(_ profile: Profile) -> StudyError {
    var text =
      "fewer than \(plan.privacy.minimumCell) training patients with, or without, the outcome"
      + " over all sites: no model can be fitted"
    if profile.holdoutCount > profile.trainingCount {
      text +=
        "; \(profile.holdoutCount) patients are held out, which leaves \(profile.trainingCount) for"
        + " training. "
        + (plan.cohort.patientColumn == nil
          ? "Without `cohort.patient`, rows with the same content are one patient and fall on one side"
            + " together: name the patient's column, or change `holdout`"
          : "Change `holdout`")
    } else {
      text += "; widen the cohort or add sites"
    }
    return StudyError(.tooFew, text)
  }

  /// Checked counts: no coordinate of a sum of counts is negative.
  static func counts(_ values: [Int64], of query: SumQuery) throws -> [Int] {
    guard values.allSatisfy({ $0 >= 0 }) else {
      throw StudyError(
        .implausibleTotal,
        "the \(query.purpose) contain a negative total; a site answered wrongly. The round can be"
          + " audited from the transcript; nothing was fitted")
    }
    return values.map { Int($0) }
  }

  /// Levels per categorical feature with their training counts.
  struct Vocabulary: Sendable {
    /// Levels kept, in alphabetical order (or the plan's order).
    var levels: [String]
    var counts: [Int]
    /// Patients with another level, and patients with none.
    var otherCount: Int
    var missingCount: Int
  }

  /// Finds the levels of the categories: those of the plan, or the union of what enough patients
  /// at some site have; then counts them in a secure sum and merges the rare ones into "other".
  func vocabularies() async throws -> [Int: Vocabulary] {
    let categories = plan.cohort.features.indices.filter { plan.cohort.features[$0].isCategory }
    guard !categories.isEmpty else { return [:] }
    var levels: [Int: [String]] = [:]
    var open: [Int] = []
    for feature in categories {
      if case .category(.some(let declared)) = plan.cohort.features[feature].kind {
        levels[feature] = declared
      } else {
        open.append(feature)
      }
    }
    if !open.isEmpty {
      let query = SiteQuery.vocabulary(features: open, minimumCell: plan.privacy.minimumCell)
      let answers = try await perSite(query, stage: "prepare")
      for (position, feature) in open.enumerated() {
        var union: Set<String> = []
        for case .vocabulary(let lists) in answers.answers.values
        where lists.indices.contains(position) {
          union.formUnion(lists[position])
        }
        levels[feature] = union.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      }
    }
    let requests = categories.map { feature in
      SumQuery.LevelRequest(feature: feature, levels: levels[feature] ?? [])
    }
    let total = try await sum(.levels(requests), stage: "prepare")
    var counts = try Self.counts(total.values, of: .levels(requests))[...]
    var result: [Int: Vocabulary] = [:]
    for request in requests {
      let own = Array(counts.prefix(request.levels.count + 2))
      counts = counts.dropFirst(own.count)
      result[request.feature] = Self.merge(
        request.levels, counts: own, minimum: max(plan.privacy.minimumCell, 1))
    }
    return result
  }

  private static func merge(_ levels: [String], counts: [Int], minimum: Int) -> Vocabulary {
    var kept = Vocabulary(
      levels: [], counts: [], otherCount: counts[levels.count],
      missingCount: counts[levels.count + 1])
    for (index, level) in levels.enumerated() {
      if counts[index] >= minimum {
        kept.levels.append(level)
        kept.counts.append(counts[index])
      } else {
        kept.otherCount += counts[index]
      }
    }
    if kept.levels.isEmpty {
      // Nothing is frequent enough to be told apart: everybody is at the reference.
      kept.levels = ["any"]
      kept.counts = [0]
    }
    return kept
  }

  /// Deciles 10 % … 90 % of every numeric feature over the training patients; none for a feature
  /// that nobody has.
  func quantiles() async throws -> [Int: [Double]] {
    let numbers = plan.cohort.features.indices.filter { plan.cohort.features[$0].isNumber }
    guard !numbers.isEmpty else { return [:] }
    var search = QuantileSearch(
      grids: grids(of: numbers), probabilities: (1...9).map { Double($0) / 10 })
    try await run(&search, over: numbers)
    return zip(numbers, search.quantiles).reduce(into: [:]) { $0[$1.0] = $1.1 }
  }

  /// Where the values of numbers can lie.
  func grids(of numbers: [Int]) -> [QuantileSearch.Grid] {
    numbers.map { feature in
      guard case .number(_, let range, let resolution) = plan.cohort.features[feature].kind else {
        return .init(range: -1e6...1e6, resolution: nil)
      }
      return .init(range: range ?? -1e6...1e6, resolution: resolution)
    }
  }

  /// Asks a search's probes until it has ended.
  func run(_ search: inout QuantileSearch, over numbers: [Int]) async throws {
    // Each round divides every open bracket by at least 7; 2^40 grid points need 15 of them.
    var rounds = 0
    while !search.isFinished, rounds < 64 {
      let probes = search.probes
      let requests = zip(numbers, probes).map {
        SumQuery.ProbeRequest(feature: $0, probes: $1)
      }
      let query = SumQuery.below(requests)
      let total = try await sum(query, stage: "prepare")
      var counts = try Self.counts(total.values, of: query)[...]
      var below: [[Int64]] = []
      var present: [Int64] = []
      for list in probes {
        let own = Array(counts.prefix(list.count + 1))
        counts = counts.dropFirst(own.count)
        guard zip(own, own.dropFirst()).allSatisfy({ $0 <= $1 }) else {
          throw StudyError(
            .implausibleTotal,
            "the counts below rising probes fall; a site answered the quantile query wrongly")
        }
        below.append(own.dropLast().map { Int64($0) })
        present.append(Int64(own[own.count - 1]))
      }
      try search.narrow(below: below, present: present)
      rounds += 1
    }
  }

  /// The frozen transform and what it was made from.
  struct Preparation: Sendable {
    var profile: Profile
    var vocabularies: [Int: Vocabulary]
    /// Deciles per numeric feature.
    var deciles: [Int: [Double]]
    var transform: FrozenTransform
    /// Means of the design columns, where they were released with noise.
    var columnMeans: [Double] = []
    /// Patients per public bin of every feature, missing values last, where they were released with
    /// noise.
    var noisyCells: [[Double]] = []
    /// Those without and with the outcome, the same.
    var noisyOutcomes: [Double] = []
    /// What the reader must know about the preparation.
    var notes: [String] = []
    /// Positions in the plan's features of the transform's features.
    var kept: [Int] = []
  }

  /// - Parameter kept: positions in the plan's features of those that the models get, ascending.
  func prepare(
    _ profile: Profile, _ vocabularies: [Int: Vocabulary], _ deciles: [Int: [Double]], kept: [Int]
  ) async throws -> Preparation {
    let features = plan.cohort.features
    let requests = deciles.keys.sorted().filter { kept.contains($0) }.map { feature in
      let values = deciles[feature] ?? []
      // 2.563 standard deviations lie between the first and the last decile of a normal.
      let spread = (values[8] - values[0]) / 2.563
      var floor = 1e-9
      if case .number(_, _, let resolution) = features[feature].kind { floor = resolution ?? floor }
      return SumQuery.MomentRequest(
        feature: feature, center: values[4], scale: max(spread, floor))
    }
    var moments: [Int: (mean: Double, deviation: Double)] = [:]
    if !requests.isEmpty {
      let values = try await sum(.moments(requests), stage: "prepare").values
      for (position, request) in requests.enumerated() {
        moments[request.feature] = try Self.moments(
          Array(values[(3 * position)..<(3 * position + 3)]), request)
      }
    }
    let parts = kept.map { index -> TransformedFeature in
      let hasIndicator =
        plan.imputation?.hasIndicators ?? true
        && profile.missing(index) >= max(plan.privacy.minimumCell, 1) && profile.present[index] > 0
      switch features[index].kind {
      case .number:
        let deviation = moments[index]?.deviation ?? 1
        return .number(
          .init(
            name: features[index].name, unit: features[index].unit,
            imputation: deciles[index]?[4] ?? 0, center: moments[index]?.mean ?? 0,
            scale: deviation > 0 ? deviation : 1, hasMissingIndicator: hasIndicator))
      case .category:
        let vocabulary = vocabularies[index] ?? Self.merge([], counts: [0, 0], minimum: 1)
        return .category(
          .init(
            name: features[index].name, levels: vocabulary.levels,
            reference: Self.mostFrequent(vocabulary),
            hasOther: vocabulary.otherCount >= max(plan.privacy.minimumCell, 1),
            hasMissingLevel: vocabulary.missingCount >= max(plan.privacy.minimumCell, 1)))
      case .flag:
        let positive = 2 * profile.positive[index] > profile.present[index]
        return .flag(
          .init(
            name: features[index].name, imputation: positive ? 1 : 0,
            hasMissingIndicator: hasIndicator))
      }
    }
    return Preparation(
      profile: profile, vocabularies: vocabularies, deciles: deciles,
      transform: try FrozenTransform(parts), kept: kept)
  }

  /// The level the others are compared with: the most frequent, the first of several.
  private static func mostFrequent(_ vocabulary: Vocabulary) -> String {
    var best = 0
    for index in vocabulary.counts.indices where vocabulary.counts[index] > vocabulary.counts[best]
    {
      best = index
    }
    return vocabulary.levels[best]
  }

  /// Mean and standard deviation from n, Σu and Σu² of u = (x − center)/scale.
  private static func moments(
    _ sums: [Int64], _ request: SumQuery.MomentRequest
  ) throws -> (mean: Double, deviation: Double) {
    let count = Double(sums[0])
    let bound = LocalAnswers.momentBound * LocalAnswers.momentUnit * count
    guard count >= 0, Double(sums[1]).magnitude <= bound,
      (0...(LocalAnswers.momentBound * bound)).contains(Double(sums[2]))
    else {
      throw StudyError(
        .implausibleTotal,
        "the sums of values or squares are beyond what their count allows; a site answered wrongly")
    }
    guard count > 1 else { return (request.center, 0) }
    let unit = LocalAnswers.momentUnit
    let mean = Double(sums[1]) / unit / count
    let square = Double(sums[2]) / unit / count
    let variance = max(0, square - mean * mean)
    return (request.center + request.scale * mean, request.scale * variance.squareRoot())
  }
}
