import Cohort

/// Filling missing numbers otherwise than with the median.
extension StudyProgram {
  /// The transform with what the plan asks for: donors are looked for at each site, equations come from sums
  /// over the sites.
  ///
  /// - Parameters:
  ///   - kept: positions in the plan's features of the transform's features.
  ///   - productSites: the sites of a sum of products that was asked before; empty for none.
  func completing(
    _ transform: FrozenTransform, kept: [Int], _ profile: Profile, productSites: [String]
  ) async throws -> (transform: FrozenTransform, notes: [String]) {
    guard let imputation = plan.imputation else { return (transform, []) }
    var notes: [String] = []
    let similar = positions(of: .similarCases, kept)
    var completion = Completion()
    if !similar.isEmpty {
      completion.similarCases = SimilarCases(
        features: similar, neighbours: imputation.neighbours,
        minimumShared: imputation.minimumShared, maximumDonors: imputation.maximumDonors)
      notes.append(
        "Missing values of \(names(similar, transform)) were filled from the"
          + " \(imputation.neighbours) most similar training patients of the same hospital, in training and"
          + " on the holdouts, and have the median where nobody there is similar. A model file holds no"
          + " patients: in its predictions the medians stand in, so"
          + " that risks of patients without these values differ from those measured here.")
    }
    // With fewer rows than ten for each column, single rows could be solved for (CLINICAL §4.6).
    let needed = 10 * (transform.valueColumnCount + 1)
    let wanted = positions(of: .chained, kept).filter { profile.missing(kept[$0]) > 0 }
    // Products over the patients who have a number, beside those of all, are of the few who lack it.
    let cell = max(plan.privacy.minimumCell, 1)
    var targets = wanted.filter {
      profile.present[kept[$0]] >= needed && profile.missing(kept[$0]) >= cell
    }
    if targets.count < wanted.count {
      notes.append(
        "Missing values of \(names(wanted.filter { !targets.contains($0) }, transform)) have their medians:"
          + " fewer than \(needed) training patients have them, or fewer than \(cell) lack them, too few for"
          + " equations.")
    }
    guard !targets.isEmpty else {
      return (try FrozenTransform(transform.features, completion: completion), notes)
    }
    var equations = ChainedEquations(
      targets: targets.map {
        target(transform.features[$0], at: $0, plan.cohort.features[kept[$0]])
      })
    var companions = productSites
    // Positions of numbers whose equation could not be had: they keep their medians.
    var unsolved: [Int] = []
    for cycle in 0..<imputation.cycles where !targets.isEmpty {
      await report(
        "prepare", "chained equations, cycle \(cycle + 1) of \(imputation.cycles)", 0.21)
      completion.equations = equations
      let query = SumQuery.CrossProductQuery(
        transform: try FrozenTransform(transform.features, completion: completion),
        targets: targets, companions: companions)
      guard query.length <= SumQuery.CrossProductQuery.maximumLength else {
        throw StudyError(
          .invalidPlan,
          "chained equations of \(targets.count) numbers over \(transform.valueColumnCount) columns ask for"
            + " \(query.length) sums at a time, above \(SumQuery.CrossProductQuery.maximumLength); name"
            + " fewer under `imputation.chained`")
      }
      let answer = try await sum(.crossProducts(query), stage: "prepare")
      guard Set(companions).isSubset(of: answer.participants) else {
        notes.append(
          "Chained equations ended after \(cycle) of \(imputation.cycles) cycles: a hospital was away, and"
            + " sums over the others would have shown what it holds.")
        break
      }
      companions = companions.isEmpty ? answer.participants : companions
      let total = answer.values
      let length = ChainedEquations.sumCount(transform)
      let solved = try targets.indices.map { index -> [Double]? in
        let sums = Array(total[(index * length)..<((index + 1) * length)])
        guard ChainedEquations.arePossible(sums, transform) else {
          throw StudyError(
            .implausibleTotal,
            "the sums of products cannot come from patients; a site answered wrongly")
        }
        // Hospitals may have left since the patients were counted.
        guard ChainedEquations.rowCount(sums) >= needed else { return nil }
        return ChainedEquations.equation(
          sums, of: targets[index], transform, ridge: imputation.ridge)
      }
      let lost = targets.indices.filter { solved[$0] == nil }
      if !lost.isEmpty {
        unsolved += lost.map { targets[$0] }
        equations.keep(targets.indices.filter { solved[$0] != nil })
        targets = equations.targets.map(\.feature)
      }
      equations.cycles.append(solved.compactMap { $0 })
    }
    if !unsolved.isEmpty {
      notes.append(
        "Missing values of \(names(unsolved.sorted(), transform)) have their medians: their equations could"
          + " not be solved from the sums over the hospitals, because fewer than \(needed) patients who"
          + " have them were left, or because the other columns cannot be told apart. A larger"
          + " `imputation.ridge` helps with the latter.")
    }
    if targets.isEmpty { equations.cycles = [] }
    completion.equations = equations.cycles.isEmpty ? nil : equations
    guard !equations.cycles.isEmpty else {
      return (try FrozenTransform(transform.features, completion: completion), notes)
    }
    notes.append(
      "Missing values of \(names(targets, transform)) were predicted from the patient's other values by"
        + " equations that are in the transform: the same in training, on the holdouts and in predictions."
    )
    return (try FrozenTransform(transform.features, completion: completion), notes)
  }

  private func positions(of method: ImputationSpecification.Method, _ kept: [Int]) -> [Int] {
    let chosen = Set(plan.numbers(imputedBy: method))
    return kept.indices.filter { chosen.contains(kept[$0]) }
  }

  private func names(_ positions: [Int], _ transform: FrozenTransform) -> String {
    positions.map { transform.features[$0].name }.joined(separator: ", ")
  }

  /// A number as a target: its predicted values stay within the study's range, where it has one.
  private func target(
    _ prepared: TransformedFeature, at position: Int, _ feature: FeatureSpecification
  ) -> ChainedEquations.Target {
    var (low, high) = (-FrozenTransform.maximumMagnitude, FrozenTransform.maximumMagnitude)
    if case .number(let number) = prepared {
      (low, high) = (-number.clip, number.clip)
      if case .number(_, let range?, _) = feature.kind {
        low = min(max((range.lowerBound - number.center) / number.scale, low), high)
        high = max(min((range.upperBound - number.center) / number.scale, high), low)
      }
    }
    return ChainedEquations.Target(feature: position, low: low, high: high)
  }
}
