import Cohort
import Foundation
import LinearModels
import PortableNumerics
import SiteData
import TestSupport
import Testing
import Validation

@testable import Study

/// What noise costs a study: the exact AUROC on the holdouts with and without differential privacy.
///
/// All rows are in one process, so that the test may compute what no site would release. The same
/// holdout serves both; a seed is the key of the noise and nothing else.
struct PrivateUtility {
  /// The study without noise.
  let plan: StudyPlan
  let cohorts: [String: CohortTable]

  static let pooled = "pooled"

  /// Sites in the order of tables, and the pooled holdout behind them.
  var places: [String] { cohorts.keys.sorted() + [Self.pooled] }

  /// The models of a study with noise; nil for those without.
  private var noisyModels: [ModelSpecification]?

  /// One Newton model, or `model`, nothing disclosed, and no noise unless `result` is asked for some.
  ///
  /// - Parameter noisyModel: what stands for `model` under differential privacy, where other settings
  ///   apply.
  init(
    _ plan: StudyPlan, model: ModelSpecification? = nil, noisyModel: ModelSpecification? = nil,
    cohorts: (StudyPlan) throws -> [String: CohortTable]
  ) throws {
    var plan = plan
    plan.validation.disclosures = []
    plan.models =
      model.map { [$0] }
      ?? plan.models.filter {
        if case .newton = $0.training { true } else { false }
      }
    noisyModels = noisyModel.map { [$0] }
    plan.privacy.goal = nil
    self.plan = plan
    self.cohorts = try cohorts(plan)
  }

  private func study(epsilon: Double?) -> AgreedStudy {
    var plan = plan
    plan.privacy.goal = epsilon.map { PrivacyGoal(epsilon: $0, delta: 1e-5) }
    if epsilon != nil, let noisyModels { plan.models = noisyModels }
    return AgreedStudy(plan: plan, sites: cohorts.keys.sorted(), disclosures: [])
  }

  /// The study's result; the seed is that of the noise.
  func result(epsilon: Double?, seed: UInt8 = 0) async throws -> StudyResult {
    let study = study(epsilon: epsilon)
    let federation = PooledFederation(
      study, cohorts: cohorts,
      noiseKey: epsilon == nil ? nil : [UInt8](repeating: seed, count: 32),
      withNoiseOfColluders: true)
    return try await StudyProgram(study, over: federation).run()
  }

  /// AUROC per site and pooled of a result's first model; a site whose holdout has one class only is
  /// left out.
  func areas(_ result: StudyResult) throws -> [String: Double] {
    var areas: [String: Double] = [:]
    var scores: [Double] = []
    var outcomes: [Bool] = []
    for (site, cohort) in cohorts {
      let own: [Double]
      if let trees = result.models[0].trees {
        own = try trees.model.predict(cohort, rows: cohort.rowIndices(.holdout))
      } else {
        let applied = try result.transform.apply(to: cohort, .holdout)
        let design = try Matrix(
          rows: applied.rowCount, columns: applied.columnCount, storage: applied.values)
        own = try LogisticNewton.predict(beta: result.models[0].coefficients, design: design)
      }
      let truth = cohort.rowIndices(.holdout).map { cohort.outcome[$0] == 1 }
      areas[site] = try AUROC.evaluate(scores: own, outcomes: truth)?.value
      scores += own
      outcomes += truth
    }
    areas[Self.pooled] = try AUROC.evaluate(scores: scores, outcomes: outcomes)?.value
    return areas
  }

  /// One column per site: AUROCs without noise, then for each ε those of every seed.
  struct Table {
    var exact: [String: Double]
    var noisy: [(epsilon: Double, areas: [String: [Double]])]

    /// Median over seeds of what the noise costs the pooled AUROC.
    func medianLoss(epsilon: Double) -> Double? {
      guard let row = noisy.first(where: { $0.epsilon == epsilon }),
        let areas = row.areas[PrivateUtility.pooled], let exact = exact[PrivateUtility.pooled]
      else { return nil }
      return exact - Spread(areas).median
    }
  }

  /// - Parameter withExact: whether the study without noise is run too.
  func table(
    epsilons: [Double], seeds: Range<UInt8>, withExact: Bool = true
  ) async throws -> Table {
    var table = Table(
      exact: withExact ? try areas(try await result(epsilon: nil)) : [:], noisy: [])
    for epsilon in epsilons {
      var found: [String: [Double]] = [:]
      for seed in seeds {
        let noisy = try await result(epsilon: epsilon, seed: seed)
        #expect(try #require(noisy.privacy).provenEpsilon <= epsilon * (1 + 1e-9))
        for (place, area) in try areas(noisy) { found[place, default: []].append(area) }
      }
      table.noisy.append((epsilon, found))
    }
    return table
  }

  /// The table in Markdown, one row per site.
  func markdown(_ table: Table) -> String {
    var text = "| site | without noise |"
    for row in table.noisy { text += " ε = \(row.epsilon.formatted()) |" }
    text += "\n| --- | --- |" + String(repeating: " --- |", count: table.noisy.count) + "\n"
    for place in places {
      text += "| \(place) | \(table.exact[place].map { Spread.text($0) } ?? "–") |"
      for row in table.noisy {
        text += " \(row.areas[place].map { Spread($0).description } ?? "–") |"
      }
      text += "\n"
    }
    return text
  }

  /// Whether whole tables are to be measured and printed.
  static let printsTables =
    ProcessInfo.processInfo.environment["WARDROUND_PRIVATE_UTILITY"] == "1"
}

/// Median, quartiles and range of a few values.
struct Spread: CustomStringConvertible {
  private let sorted: [Double]

  init(_ values: [Double]) { sorted = values.sorted() }

  var median: Double { quantile(0.5) }

  /// Linear between the order statistics.
  func quantile(_ share: Double) -> Double {
    guard let last = sorted.last else { return .nan }
    let place = share * Double(sorted.count - 1)
    let below = Int(place)
    guard below + 1 < sorted.count else { return last }
    return sorted[below] + (place - Double(below)) * (sorted[below + 1] - sorted[below])
  }

  static func text(_ value: Double) -> String {
    let thousandths = Int((value * 1000).rounded())
    let digits = String(thousandths % 1000)
    let fraction = String(repeating: "0", count: max(3 - digits.count, 0)) + digits
    return "\(thousandths >= 1000 ? "1" : "").\(fraction)"
  }

  /// `median [first quartile, third quartile] least–largest`.
  var description: String {
    "\(Self.text(median)) [\(Self.text(quantile(0.25))), \(Self.text(quantile(0.75)))]"
      + " \(Self.text(quantile(0)))–\(Self.text(quantile(1)))"
  }
}
