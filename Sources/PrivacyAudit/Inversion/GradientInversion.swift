import Cohort
import PortableNumerics
import Study

/// Rebuilding a patient's row from what a training step sends: before and after the secure sum, and
/// after the noise.
///
/// The gradient of one patient is r · (1, x), so that the row is the gradient over its first element,
/// whatever the residual r and however the whole was scaled or clipped. From a sum the same quotient
/// is a weighted mean row, which is what the attacker then guesses for everybody in it. An attacker
/// who knows everybody else subtracts them first. Steps are added up: a residual keeps its sign.
struct GradientInversion {
  private let replica: Replica
  /// Noisy runs, of which the first gives the steps that are attacked.
  private let runs: [Replica.Run]
  private let transform: FrozenTransform
  /// What was subtracted from each column, public as part of the query; empty for none.
  private let means: [Double]
  private let targets: [Target]
  private let decoder: RowDecoder
  private static let batch = 8

  private struct Target {
    var site: String
    /// The patient's rows, and of them the one that is to be rebuilt.
    var rows: [Int]
    var truth: [Double]
  }

  /// Chooses targets among the training patients. Nil when the runs took no step.
  init?(_ replica: Replica, runs: [Replica.Run], targetCount: Int) throws {
    guard let first = runs.first,
      let query = Self.steps(first.observations).first?.query
    else { return nil }
    let transform = query.transform
    means = query.rows?.means ?? [Double](repeating: 0, count: transform.columnCount)
    self.replica = replica
    self.runs = runs
    self.transform = transform
    decoder = RowDecoder(
      transform, FrozenPreparation(replica.study.plan, transform).features)
    var generator = Xoshiro256StarStar(seed: SplitMix64.seed(replica.seed, 0x1F))
    var all: [Target] = []
    for site in replica.study.sites {
      guard let cohort = replica.cohorts[site] else { continue }
      let design = try transform.apply(to: cohort)
      var rows: [Int32: [Int]] = [:]
      for row in cohort.rowIndices(.training) {
        rows[cohort.patients[row], default: []].append(row)
      }
      for patient in rows.keys.sorted() {
        guard let own = rows[patient], let row = own.first else { continue }
        all.append(Target(site: site, rows: own, truth: Array(design.row(row))))
      }
    }
    generator.shuffle(&all)
    targets = Array(all.prefix(targetCount))
  }

  /// The steps of the plan's first model that was trained, in order.
  private static func steps(
    _ observations: [Observation]
  ) -> [(query: SumQuery.PrivateStepQuery, observation: Observation)] {
    var found: [(query: SumQuery.PrivateStepQuery, observation: Observation)] = []
    for observation in observations {
      guard case .sum(.privateStep(let query)) = observation.question,
        found.first.map({ $0.query.model.name == query.model.name }) ?? true
      else { continue }
      found.append((query, observation))
    }
    return found
  }

  /// All views, from the barest to the best protected, and the guess without any view.
  func facts() throws -> [AuditFacts.InversionFacts] {
    let total = try sumOfAll()
    let noises = runs.map { noise($0) }
    var views: [(String, (Int, Target) throws -> [Double])] = []
    views.append(("one patient's update", { _, target in try own(target) }))
    views.append(("a batch of 8 at one site", { _, target in try batch(around: target) }))
    views.append(
      (
        "one site's plain update",
        { _, target in total.bySite[target.site] ?? [] }
      ))
    views.append(("the secure sum", { _, _ in total.all }))
    views.append(
      (
        "the secure sum, everybody else known",
        { _, target in try own(target) }
      ))
    views.append(
      (
        "sum + noise", { index, _ in sum(total.all, noises[index % noises.count]) }
      ))
    views.append(
      (
        "sum + noise, everybody else known",
        { index, target in sum(try own(target), noises[index % noises.count]) }
      ))
    var facts = try views.map { name, view in
      try fact(name) { index, target in row(try view(index, target)) }
    }
    let mode = try commonest()
    facts.append(try fact("nothing (the commonest values)") { _, _ in mode })
    return facts
  }

  private func fact(
    _ view: String, guess: (Int, Target) throws -> [Double]
  ) throws -> AuditFacts.InversionFacts {
    var exact = 0
    var right = 0
    var cells = 0
    for (index, target) in targets.enumerated() {
      let agreement = decoder.agreement(try guess(index, target), target.truth)
      exact += agreement.exact.allSatisfy { $0 } ? 1 : 0
      right += agreement.close.count { $0 }
      cells += agreement.close.count
    }
    return .init(
      view: view, targetCount: targets.count,
      exactMatchRate: Double(exact) / Double(max(targets.count, 1)),
      featureAccuracy: Double(right) / Double(max(cells, 1)))
  }

  /// The row that a gradient tells.
  private func row(_ gradient: [Double]) -> [Double] {
    guard let first = gradient.first else { return [] }
    let divisor = first == 0 ? 1e-9 : first
    return gradient.dropFirst().enumerated().map { column, value in
      value / divisor + (means.indices.contains(column) ? means[column] : 0)
    }
  }

  private var length: Int { transform.columnCount + 1 }

  /// The gradient part of a site's exact answers to all steps, added up, over some rows.
  private func gradient(_ site: String, rows: [Int]) throws -> [Double] {
    guard let cohort = replica.cohorts[site], let first = runs.first else { return [] }
    var answers = LocalAnswers(
      site: site, plan: replica.study.plan, cohort: try cohort.selecting(rows), noiseKey: nil)
    var total = [Double](repeating: 0, count: length)
    for step in Self.steps(first.observations) {
      let answer = try answers.answer(SumQuery.privateStep(step.query).withEverybody())
      for index in total.indices { total[index] += Double(answer[index]) }
    }
    return total
  }

  private func own(_ target: Target) throws -> [Double] {
    try gradient(target.site, rows: target.rows)
  }

  /// The target and the next patients of its site.
  private func batch(around target: Target) throws -> [Double] {
    guard let cohort = replica.cohorts[target.site], let start = target.rows.first else {
      return []
    }
    let training = cohort.rowIndices(.training)
    let position = training.firstIndex(of: start) ?? 0
    let others = (1..<Self.batch).map { training[(position + $0) % training.count] }
    return try gradient(target.site, rows: Array(Set(target.rows + others)).sorted())
  }

  private func sumOfAll() throws -> (all: [Double], bySite: [String: [Double]]) {
    var all = [Double](repeating: 0, count: length)
    var bySite: [String: [Double]] = [:]
    for site in replica.study.sites {
      guard let cohort = replica.cohorts[site] else { continue }
      let own = try gradient(site, rows: cohort.rowIndices(.training))
      bySite[site] = own
      all = sum(all, own)
    }
    return (all, bySite)
  }

  /// The noise of one run in the gradient part, all steps added up.
  private func noise(_ run: Replica.Run) -> [Double] {
    var total = [Double](repeating: 0, count: length)
    for step in Self.steps(run.observations) {
      for index in total.indices where step.observation.residual.indices.contains(index) {
        total[index] += Double(step.observation.residual[index])
      }
    }
    return total
  }

  private func sum(_ left: [Double], _ right: [Double]) -> [Double] {
    zip(left, right).map { $0 + $1 }
  }

  /// A row with the commonest value of every feature among the training patients: the best that can be
  /// said of everybody without any view.
  private func commonest() throws -> [Double] {
    var rows: [[Double]] = []
    for site in replica.study.sites {
      guard let cohort = replica.cohorts[site] else { continue }
      let design = try transform.apply(to: cohort)
      rows += cohort.rowIndices(.training).map { Array(design.row($0)) }
    }
    let cells = rows.map { decoder.cells($0) }
    var result: [Double] = []
    for (feature, part) in transform.features.enumerated() {
      let start = result.count
      var counts: [RowDecoder.Cell: (count: Int, row: Int)] = [:]
      for (row, own) in cells.enumerated() {
        counts[own[feature], default: (0, row)].count += 1
      }
      let best = counts.values.max { ($0.count, $1.row) < ($1.count, $0.row) }
      let source = best.map { rows[$0.row] } ?? []
      result += source.dropFirst(start).prefix(part.designColumns.count)
    }
    return result
  }
}
