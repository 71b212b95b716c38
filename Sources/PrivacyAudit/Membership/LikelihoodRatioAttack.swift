import Cohort
import LinearModels
import PortableNumerics
import Study

/// LiRA, the likelihood ratio attack with shadow models (Carlini et al., IEEE S&P 2022, online
/// variant).
///
/// Every model is trained by the study's own program on a random half of the training patients. A
/// patient's score in one model is log(p/(1 − p)) of the observed outcome; over the other models it
/// has one mean with and one without the patient, and one variance each over all patients. The
/// attack's score is the log ratio of the two normal densities. It sees the published model
/// alone and knows the patient's row.
struct LikelihoodRatioAttack {
  /// Scores of all patients in all models: `scores[model][patient]`.
  let scores: [[CanaryScore]]

  /// Which patients were in and how a model rates them.
  private struct Shadow {
    var isIn: [Bool]
    var confidence: [Double]
  }

  /// Trains `count` models of the plan's first kind and attacks each with the others.
  init(_ replica: Replica, count: Int, report: (Int) async -> Void) async throws {
    var shadows: [Shadow] = []
    for number in 0..<count {
      await report(number)
      if let shadow = try await Self.shadow(replica, number) { shadows.append(shadow) }
    }
    guard shadows.count >= 4 else {
      throw AuditError(
        .nothingToAttack,
        "the noise left too few shadow models to fit; ask for more, or audit a larger epsilon")
    }
    scores = Self.attack(shadows)
  }

  private static func shadow(_ replica: Replica, _ number: Int) async throws -> Shadow? {
    var generator = Xoshiro256StarStar(
      seed: SplitMix64.seed(replica.seed, 0x11, UInt64(number)))
    var isIn: [Bool] = []
    var tables: [String: CohortTable] = [:]
    for site in replica.study.sites {
      guard let cohort = replica.cohorts[site] else { continue }
      var coins: [Int32: Bool] = [:]
      var kept: [Int] = []
      for row in 0..<cohort.rowCount {
        if cohort.isHoldout[row] {
          kept.append(row)
          continue
        }
        let patient = cohort.patients[row]
        if coins[patient] == nil {
          let coin = generator.next() & 1 == 1
          coins[patient] = coin
          isIn.append(coin)
        }
        if coins[patient] == true { kept.append(row) }
      }
      tables[site] = try cohort.selecting(kept)
    }
    let run = try await replica.run(
      .shadow, number, over: tables, extent: .models, observing: false)
    guard let models = run.models, let model = models.models.first else { return nil }
    return Shadow(
      isIn: isIn,
      confidence: try Self.confidence(
        replica, transform: models.transform, model: model))
  }

  /// The log odds of the observed outcome for the first row of every training patient.
  private static func confidence(
    _ replica: Replica, transform: FrozenTransform, model: NamedModel
  ) throws -> [Double] {
    var values: [Double] = []
    for site in replica.study.sites {
      guard let cohort = replica.cohorts[site] else { continue }
      let logOdds = try logOdds(model, transform, cohort)
      var seen: Set<Int32> = []
      for row in 0..<cohort.rowCount
      where !cohort.isHoldout[row] && seen.insert(cohort.patients[row]).inserted {
        values.append(cohort.outcome[row] == 1 ? logOdds[row] : -logOdds[row])
      }
    }
    return values
  }

  /// What the model says of every row, log odds.
  private static func logOdds(
    _ model: NamedModel, _ transform: FrozenTransform, _ cohort: CohortTable
  ) throws -> [Double] {
    if let trees = model.trees {
      return try trees.predict(cohort).map { Portable.logit(min(max($0, 1e-9), 1 - 1e-9)) }
    }
    let design = try transform.apply(to: cohort)
    return (0..<cohort.rowCount).map { row in
      var eta = model.coefficients.first ?? 0
      for (value, weight) in zip(design.row(row), model.coefficients.dropFirst()) {
        eta += value * weight
      }
      return eta
    }
  }

  /// One patient's ratings by the models with, or without, the patient.
  private struct Ratings {
    var count = 0.0
    var sum = 0.0
    var squares = 0.0

    mutating func add(_ value: Double, weight: Double = 1) {
      count += weight
      sum += weight * value
      squares += weight * value * value
    }

    var mean: Double { sum / count }
  }

  private static func attack(_ shadows: [Shadow]) -> [[CanaryScore]] {
    let patients = shadows[0].isIn.count
    // Ratings without [0] and with [1] the patient.
    var ratings = [[Ratings]](repeating: [Ratings(), Ratings()], count: patients)
    for shadow in shadows {
      for patient in 0..<patients {
        ratings[patient][shadow.isIn[patient] ? 1 : 0].add(shadow.confidence[patient])
      }
    }
    return shadows.map { attacked in
      // The attacked model is not one of its own shadows.
      var others = ratings
      for patient in 0..<patients {
        others[patient][attacked.isIn[patient] ? 1 : 0].add(
          attacked.confidence[patient], weight: -1)
      }
      let variances = (0..<2).map { side -> Double in
        var squares = 0.0
        var freedom = 0.0
        for own in others where own[side].count > 1.5 {
          squares += own[side].squares - own[side].sum * own[side].mean
          freedom += own[side].count - 1
        }
        return max(squares / max(freedom, 1), 1e-12)
      }
      return (0..<patients).map { patient in
        let own = others[patient]
        let value = attacked.confidence[patient]
        func logDensity(_ side: Int) -> Double {
          let variance = variances[side] * (1 + 1 / own[side].count)
          let distance = value - own[side].mean
          return -0.5 * (Portable.log(variance) + distance * distance / variance)
        }
        let isKnown = own[0].count > 0.5 && own[1].count > 0.5
        return CanaryScore(
          value: isKnown ? logDensity(1) - logDensity(0) : 0,
          isIn: attacked.isIn[patient])
      }
    }
  }
}
