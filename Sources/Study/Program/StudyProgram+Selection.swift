import Cohort
import PortableNumerics

/// Choosing features from sums over the sites.
extension StudyProgram {
  /// What is known of every feature, and why some are left out.
  struct Selection: Sendable {
    /// Positions in the plan's features of those that stay, ascending.
    var kept: [Int]
    /// One per feature of the plan; empty without a `selection`.
    var facts: [StudyResult.SelectionFacts] = []
    /// Distance of the AUROC from ½, by feature, where there is one.
    var strength: [Double] = []
    /// The sites of the sum of products that duplicates were found by; empty without one.
    var productSites: [String] = []

    /// Leaves a feature out.
    mutating func drop(_ feature: Int, _ reason: String) {
      kept.removeAll { $0 == feature }
      if facts[feature].leftOut == nil { facts[feature].leftOut = reason }
    }
  }

  /// The rules that look at one feature at a time.
  func select(
    _ profile: Profile, _ vocabularies: [Int: Vocabulary], _ deciles: [Int: [Double]]
  ) async throws -> Selection {
    let features = plan.cohort.features
    var selection = Selection(kept: Array(features.indices))
    guard let rules = plan.selection else { return selection }
    await report("prepare", "screening the features", 0.16)
    let query = SumQuery.ScreenQuery(
      features: features.indices.map { index in
        let bins: SumQuery.ScreenQuery.Bins =
          switch features[index].kind {
          case .number(_, _, let resolution):
            .cuts(Self.screenCuts(deciles[index] ?? [], resolution: resolution))
          case .category: .levels(vocabularies[index]?.levels ?? [])
          case .flag: .flag
          }
        return .init(feature: index, bins: bins)
      })
    let values = try Self.counts(
      try await sum(.screen(query), stage: "prepare").values, of: .screen(query))
    var start = 0
    for request in query.features {
      let end = start + 2 * (request.bins.count + 1)
      let counts = ScreenCounts(values[start..<end])
      start = end
      var isCategory = false
      if case .levels = request.bins { isCategory = true }
      let auroc = (isCategory ? counts.byRisk() : counts).auroc
      let ratio = counts.likelihoodRatio(log: Portable.log)
      let all = counts.presentCount + counts.missingWithout + counts.missingWith
      selection.strength.append(((auroc ?? 0.5) - 0.5).magnitude)
      selection.facts.append(
        .init(
          feature: features[request.feature].name,
          missingShare: all > 0 ? 1 - Double(counts.presentCount) / Double(all) : 1,
          differingShare: counts.differingShare, auroc: auroc,
          likelihoodRatio: ratio.statistic, freedom: ratio.freedom,
          pValue: ratio.freedom > 0
            ? ChiSquareDistribution.upperTail(
              ratio.statistic, degreesOfFreedom: Double(ratio.freedom)) : 1))
    }
    let always = Set(rules.always + plan.boundedFeatures)
    let open = features.indices.filter { !always.contains(features[$0].name) }
    for index in open {
      let facts = selection.facts[index]
      if facts.missingShare > rules.missing || facts.missingShare == 1 {
        selection.drop(index, "missing")
      } else if facts.differingShare < rules.nearConstant {
        selection.drop(index, "near constant")
      }
    }
    screen(&selection, rules, open)
    try await keepStable(&selection, rules, query, open)
    guard !selection.kept.isEmpty else {
      throw StudyError(
        .tooFew, "the selection leaves no feature; loosen it, or name features under `always`")
    }
    return selection
  }

  /// The univariate screen.
  private func screen(_ selection: inout Selection, _ rules: SelectionSpecification, _ open: [Int])
  {
    guard let screen = rules.screen else { return }
    func score(_ index: Int) -> Double {
      switch screen {
      case .auroc: selection.strength[index]
      // Of likelihood ratios with other degrees of freedom the p-values compare.
      case .likelihoodRatio: -(selection.facts[index].pValue)
      }
    }
    for index in open where selection.kept.contains(index) {
      if let bound = rules.atLeast, 0.5 + selection.strength[index] < bound {
        selection.drop(index, "screen: AUROC below \(bound)")
      } else if let bound = rules.pValue, selection.facts[index].pValue > bound {
        selection.drop(index, "screen: p above \(bound)")
      }
    }
    guard let keep = rules.keep else { return }
    let ranked = selection.kept.filter { open.contains($0) }.sorted { left, right in
      let (a, b) = (score(left), score(right))
      if a != b { return a > b }
      let (c, d) = (selection.facts[left].likelihoodRatio, selection.facts[right].likelihoodRatio)
      return c != d ? c > d : left < right
    }
    for index in ranked.dropFirst(keep) {
      selection.drop(index, "screen: not among the best \(keep)")
    }
  }

  /// Direction by site: how many sites see higher values with more of the outcome, and with less.
  private func keepStable(
    _ selection: inout Selection, _ rules: SelectionSpecification, _ query: SumQuery.ScreenQuery,
    _ open: [Int]
  ) async throws {
    guard let stable = rules.stable else { return }
    let total = try await sum(.directions(query), stage: "prepare")
    let votes = try Self.counts(total.values, of: .directions(query))
    for index in query.features.indices {
      let (higher, lower) = (votes[2 * index], votes[2 * index + 1])
      guard higher + lower <= total.participants.count else {
        throw StudyError(
          .implausibleTotal,
          "the directions of the features count more sites than took part; a site answered for several"
        )
      }
      selection.facts[index].sitesHigher = higher
      selection.facts[index].sitesLower = lower
      guard open.contains(index), selection.kept.contains(index), higher + lower > 0 else {
        continue
      }
      if Double(max(higher, lower)) < stable * Double(higher + lower) {
        selection.drop(index, "unstable: \(higher) sites one way, \(lower) the other")
      }
    }
  }

  /// Leaves out the weaker of two numbers or flags that say the same, over the rows completed with medians.
  func removeDuplicates(
    _ transform: FrozenTransform, _ selection: Selection
  ) async throws -> (FrozenTransform, Selection) {
    guard let bound = plan.selection?.duplicates else { return (transform, selection) }
    let query = SumQuery.CrossProductQuery(transform: transform, targets: [nil])
    guard query.length <= SumQuery.CrossProductQuery.maximumLength else {
      throw StudyError(
        .invalidPlan,
        "\(transform.valueColumnCount) columns are too many to compare each with each; write `duplicates: 0`"
          + " under `selection`")
    }
    let total = try await sum(.crossProducts(query), stage: "prepare")
    let sums = total.values
    guard ChainedEquations.arePossible(sums, transform) else {
      throw StudyError(
        .implausibleTotal,
        "the sums of products cannot come from patients; a site answered wrongly")
    }
    var selection = selection
    selection.productSites = total.participants
    let always = Set((plan.selection?.always ?? []) + plan.boundedFeatures)
    let plain = transform.features.indices.filter {
      if case .category = transform.features[$0] { return false }
      return true
    }
    var dropped: Set<Int> = []
    for (place, left) in plain.enumerated() {
      for right in plain[(place + 1)...] where !dropped.contains(left) && !dropped.contains(right) {
        guard
          let correlation = ChainedEquations.correlation(sums, left, right, transform),
          correlation.magnitude >= bound
        else { continue }
        let isRightWeaker =
          selection.strength[selection.kept[right]] <= selection.strength[selection.kept[left]]
        let order = isRightWeaker ? [right, left] : [left, right]
        guard
          let weaker = order.first(where: { !always.contains(transform.features[$0].name) })
        else { continue }
        dropped.insert(weaker)
        let other = weaker == left ? right : left
        selection.facts[selection.kept[weaker]].leftOut =
          "duplicate of \(transform.features[other].name)"
      }
    }
    let kept = transform.features.indices.filter { !dropped.contains($0) }
    selection.kept = kept.map { selection.kept[$0] }
    return (try FrozenTransform(kept.map { transform.features[$0] }), selection)
  }

  /// Cuts of a number for the screen: half a recording step below every decile, and half a step above one
  /// that many patients have, so that a value which is nearly everybody's has a bin of its own.
  static func screenCuts(_ deciles: [Double], resolution: Double?) -> [Double] {
    let half = (resolution ?? 0) / 2
    var cuts: [Double] = []
    for (index, value) in deciles.enumerated() {
      let isRepeated =
        (index > 0 && deciles[index - 1] == value)
        || (index + 1 < deciles.count && deciles[index + 1] == value)
      for cut in isRepeated
        ? [value - half, half > 0 ? value + half : value.nextUp] : [value - half]
      where cuts.last.map({ cut > $0 }) ?? true {
        cuts.append(cut)
      }
    }
    return cuts
  }
}

extension StudyPlan {
  /// Features whose direction a model bounds: they are never left out.
  var boundedFeatures: [String] {
    models.flatMap { model -> [String] in
      guard case .trees(let settings) = model.training else { return [] }
      return settings.increasing + settings.decreasing
    }
  }
}
