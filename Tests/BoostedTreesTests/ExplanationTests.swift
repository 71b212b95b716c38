import PortableNumerics
import Testing

@testable import BoostedTrees

/// Shapley values against the sum over all coalitions.
@Suite struct ExplanationTests {
  private struct Fixture {
    let patients: SyntheticPatients
    let rows: TrainingRows
    let model: TreeEnsemble
  }

  private func fixture(seed: UInt64, classes: Int = 0) throws -> Fixture {
    let patients = try SyntheticPatients(seed: seed, count: 300, numericCount: 4, cutCount: 6)
    var plan = TrainingPlan()
    plan.treeCount = 6
    plan.learningRate = 0.5
    plan.growth.maximumDepth = 5
    plan.patientLimit = 300
    var outcomes = patients.binary
    if classes > 0 {
      plan.objective = .multiclass(classCount: classes)
      outcomes = patients.margins.map { $0 < -0.5 ? 0 : $0 < 0.5 ? 1 : 2 }
    }
    let rows = try patients.rows(outcomes: outcomes)
    let model = try PooledTraining.train(
      plan: plan, features: patients.features, sites: [rows]
    ).model
    return Fixture(patients: patients, rows: rows, model: model)
  }

  /// φ of every feature from v over all 2^M coalitions.
  private func shapley(_ featureCount: Int, _ v: (Int) -> Double) -> [Double] {
    let values = (0..<(1 << featureCount)).map(v)
    func factorial(_ n: Int) -> Double { n < 2 ? 1 : Double(n) * factorial(n - 1) }
    return (0..<featureCount).map { feature in
      var sum = 0.0
      for coalition in 0..<(1 << featureCount) where coalition >> feature & 1 == 0 {
        let size = coalition.nonzeroBitCount
        let weight =
          factorial(size) * factorial(featureCount - size - 1) / factorial(featureCount)
        sum += weight * (values[coalition | 1 << feature] - values[coalition])
      }
      return sum
    }
  }

  private func bins(_ fixture: Fixture, row: Int) -> [UInt8] {
    fixture.model.features.indices.map { fixture.rows.table.bin(row: row, feature: $0) }
  }

  @Test func pathDependentEqualsAllCoalitions() throws {
    for (seed, classes) in [(51, 0), (52, 3)] as [(UInt64, Int)] {
      let fixture = try fixture(seed: seed, classes: classes)
      let explainer = PathDependentExplainer(model: fixture.model)
      for row in stride(from: 0, to: 300, by: 29) {
        let bins = bins(fixture, row: row)
        let found = explainer.contributions(ofBins: bins)
        for output in fixture.model.baseMargins.indices {
          let expected = shapley(5) { coalition in
            var sum = 0.0
            for tree in fixture.model.trees where tree.output == output {
              func follow(_ index: Int) -> Double {
                let node = tree.nodes[index]
                guard let test = node.test else { return node.value }
                if coalition >> test.feature & 1 == 1 {
                  return follow(test.goesLeft(bins[test.feature]) ? node.left : node.right)
                }
                let left = tree.nodes[node.left].cover
                let right = tree.nodes[node.right].cover
                return (left * follow(node.left) + right * follow(node.right)) / (left + right)
              }
              sum += follow(0)
            }
            return sum
          }
          for feature in 0..<5 {
            #expect(abs(found[output][feature] - expected[feature]) < 1e-10, "seed \(seed)")
          }
          let margin = fixture.model.margins(ofBins: bins)[output]
          let sum = found[output].reduce(0, +) + explainer.expectedMargins[output]
          #expect(abs(sum - margin) < 1e-9)
        }
      }
    }
  }

  @Test func interventionalEqualsAllCoalitions() throws {
    let fixture = try fixture(seed: 53)
    let patterns = try BackgroundPatterns(model: fixture.model)
    let background = Array(stride(from: 1, to: 300, by: 7))
    let total = try patterns.counts(of: fixture.rows.table, rows: background)
    let explainer = try InterventionalExplainer(patterns: patterns, total: total)
    for row in stride(from: 0, to: 300, by: 43) {
      let own = bins(fixture, row: row)
      let expected = shapley(5) { coalition in
        var sum = 0.0
        for other in background {
          let theirs = bins(fixture, row: other)
          let mixed = (0..<5).map { coalition >> $0 & 1 == 1 ? own[$0] : theirs[$0] }
          sum += fixture.model.margins(ofBins: mixed)[0]
        }
        return sum / Double(background.count)
      }
      let raw = fixture.patients.columns.map { $0[row] }
      let found = try explainer.contributions(of: raw)[0]
      for feature in 0..<5 { #expect(abs(found[feature] - expected[feature]) < 1e-10) }
      let margin = try fixture.model.margins(of: raw)[0]
      #expect(abs(found.reduce(0, +) + explainer.expectedMargins[0] - margin) < 1e-9)
    }
  }

  /// With small counts merged, contributions still add up, relative to another mean.
  @Test func mergedBackgroundAddsUp() throws {
    let fixture = try fixture(seed: 57)
    let patterns = try BackgroundPatterns(model: fixture.model)
    let total = try patterns.counts(of: fixture.rows.table, rows: Array(0..<120))
    #expect(try patterns.merging(total, below: 1) == total)
    let merged = try patterns.merging(total, below: 10)
    for leaf in patterns.leaves.joined() {
      let counts = merged[leaf.cells]
      #expect(counts.reduce(0, +) == 120 && counts.allSatisfy { $0 == 0 || $0 >= 10 })
    }
    let explainer = try InterventionalExplainer(patterns: patterns, total: merged)
    for row in stride(from: 0, to: 300, by: 17) {
      let bins = bins(fixture, row: row)
      let found = try explainer.contributions(ofBins: bins)[0]
      let margin = fixture.model.margins(ofBins: bins)[0]
      #expect(abs(found.reduce(0, +) + explainer.expectedMargins[0] - margin) < 1e-9)
    }
  }

  @Test func countsAddOverSites() throws {
    let fixture = try fixture(seed: 54)
    let patterns = try BackgroundPatterns(model: fixture.model)
    let explainer = PathDependentExplainer(model: fixture.model)
    let all = Array(0..<300)
    let pooled = try patterns.counts(of: fixture.rows.table, rows: all)
    let summary = try explainer.summaryAnswer(table: fixture.rows.table, rows: all)
    var patternSum = [Int64](repeating: 0, count: pooled.count)
    var summarySum = [Int64](repeating: 0, count: summary.count)
    for site in fixture.patients.partition(into: 4, seed: 55) {
      let table = fixture.rows.table.selecting(site)
      let rows = Array(site.indices)
      let siteCounts = try patterns.counts(of: table, rows: rows)
      let siteSummary = try explainer.summaryAnswer(table: table, rows: rows)
      for index in patternSum.indices { patternSum[index] += siteCounts[index] }
      for index in summarySum.indices { summarySum[index] += siteSummary[index] }
    }
    #expect(patternSum == pooled)
    #expect(summarySum == summary)
    let read = try ContributionSummary(
      total: summary, features: fixture.model.features, patientLimit: 300, minimumCellCount: 20)
    var importance = [Double](repeating: 0, count: 5)
    for row in all {
      let values = explainer.contributions(ofBins: bins(fixture, row: row))[0]
      for feature in 0..<5 { importance[feature] += abs(values[feature]) / 300 }
    }
    for feature in 0..<5 { #expect(abs(read.importance[feature] - importance[feature]) < 1e-6) }
    #expect(read.dependence[0].contains { $0 != nil })
    let strict = try ContributionSummary(
      total: summary, features: fixture.model.features, patientLimit: 300, minimumCellCount: 301)
    #expect(strict.dependence.allSatisfy { $0.allSatisfy { $0 == nil } })
  }

  @Test func badTotalsThrow() throws {
    let fixture = try fixture(seed: 56)
    let patterns = try BackgroundPatterns(model: fixture.model)
    var total = try patterns.counts(of: fixture.rows.table, rows: Array(0..<10))
    #expect(throws: BoostedTreesError.self) {
      try InterventionalExplainer(patterns: patterns, total: Array(total.dropLast()))
    }
    total[1] += 1
    #expect(throws: BoostedTreesError.self) {
      try InterventionalExplainer(patterns: patterns, total: total)
    }
    // Numbers whose sum leaves the integers do not trap.
    for huge in [Int64.max, .min, 1 << 41] {
      let wrong = [Int64](repeating: huge, count: total.count)
      #expect(throws: BoostedTreesError.self) { try patterns.merging(wrong, below: 3) }
    }
    #expect(throws: BoostedTreesError.self) {
      try ContributionSummary(
        total: [-1], features: fixture.model.features, patientLimit: 300, minimumCellCount: 1)
    }
  }

  /// Sums that no patients have are refused, however large, and never trap.
  @Test func falseSummariesAreRefused() throws {
    let fixture = try fixture(seed: 57)
    let explainer = PathDependentExplainer(model: fixture.model)
    let summary = try explainer.summaryAnswer(
      table: fixture.rows.table, rows: Array(0..<fixture.rows.table.rowCount))
    let first = 1 + fixture.model.features.count
    for value in [-1, 301, 1 << 31, 1 << 62, Int64.max, Int64.min] {
      for changes in [[0], [1], [first], [first, first + 2], [0, first, first + 2], [first + 1]] {
        var total = summary
        for index in changes { total[index] = value }
        // The sums of |φ| and φ may be as large as 1,024 a patient.
        if value == 301 || value == 1 << 31 || value == -1, changes == [1] || changes == [first + 1]
        {
          continue
        }
        #expect(throws: BoostedTreesError.self, "\(changes): \(value)") {
          try ContributionSummary(
            total: total, features: fixture.model.features, patientLimit: 300,
            minimumCellCount: 1)
        }
      }
    }
  }
}
