import Cohort
import PortableNumerics
import Study

/// Seeded patients with the columns of `SyntheticStudy`: mixed types, informative missingness, ties
/// and a decimal grid.
///
/// The recipe, in the order of the draws from SplitMix64(seed), for each patient:
/// age = 40 + ⌊50u⌋; sick = u; lactate tenths = ⌊8 + 40·sick·u⌋, missing when u > 0.3 + 0.6·sick;
/// ward = medicine, surgery, neurology, attic for u below 0.5, 0.8, 0.985, 1, missing when u < 0.05;
/// diabetes = u < 0.2, missing when u < 0.1; held out when u < 0.3;
/// η = −2 + (age − 65)/15 + 3·(sick − 0.5) + 0.8·diabetes + 0.5·(ward is surgery); died when
/// u < 1/(1 + e^−η). Draws are made whether or not they are used.
public enum SyntheticCohort {
  public static let wards = ["medicine", "surgery", "neurology", "attic"]

  /// The patients in one table.
  public static func table(
    _ plan: StudyPlan, patients: Int = 600, seed: UInt64 = 1
  ) throws -> CohortTable {
    var generator = SplitMix64(seed: seed)
    var ages: [Double] = []
    var lactates: [Double] = []
    var wardCodes: [Int32] = []
    var diabetes: [Double] = []
    var outcome: [UInt8] = []
    var isHoldout: [Bool] = []
    for _ in 0..<patients {
      let age = 40 + (50 * generator.uniformDouble()).rounded(.down)
      let sick = generator.uniformDouble()
      let tenths = (8 + 40 * sick * generator.uniformDouble()).rounded(.down)
      let lactateMissing = generator.uniformDouble() > 0.3 + 0.6 * sick
      let place = generator.uniformDouble()
      let ward: Int32 = place < 0.5 ? 0 : place < 0.8 ? 1 : place < 0.985 ? 2 : 3
      let wardMissing = generator.uniformDouble() < 0.05
      let isDiabetic = generator.uniformDouble() < 0.2
      let diabetesMissing = generator.uniformDouble() < 0.1
      isHoldout.append(generator.uniformDouble() < 0.3)
      let eta =
        -2 + (age - 65) / 15 + 3 * (sick - 0.5) + (isDiabetic ? 0.8 : 0) + (ward == 1 ? 0.5 : 0)
      outcome.append(generator.uniformDouble() < Portable.sigmoid(eta) ? 1 : 0)
      ages.append(age)
      lactates.append(lactateMissing ? .nan : tenths / 10)
      wardCodes.append(wardMissing ? CohortTable.Column.missingCode : ward)
      diabetes.append(diabetesMissing ? .nan : isDiabetic ? 1 : 0)
    }
    return try CohortTable(
      features: plan.cohort.features,
      columns: [
        .number(ages), .number(lactates), .category(wardCodes, levels: wards), .flag(diabetes),
      ], outcome: outcome, isHoldout: isHoldout)
  }

  /// The patients with an outcome of values, for a plan whose outcome has them: 2 + (age − 40)/10 + 3·death +
  /// 2·u, rounded down for a count; of n classes ⌊that·n/13⌋, of a number not rounded.
  public static func table(
    _ plan: StudyPlan, valuesFor patients: Int, seed: UInt64
  ) throws -> CohortTable {
    let table = try table(plan, patients: patients, seed: seed)
    guard let values = plan.cohort.outcome.values else { return table }
    var generator = SplitMix64(seed: seed &+ 1)
    let ages = table.numbers(0)
    let drawn = table.outcome.indices.map { row -> Double in
      let value =
        2 + (ages[row] - 40) / 10 + 3 * Double(table.outcome[row]) + 2 * generator.uniformDouble()
      return switch values {
      case .number: value
      case .count: value.rounded(.down)
      case .classes(let classes):
        Double(Int(value.rounded(.down)) * classes.count / 13)
      }
    }
    let rule = plan.cohort.outcome.positive
    return try CohortTable(
      features: table.features, columns: table.columns,
      outcome: drawn.map { value in
        if case .classes(let classes) = values {
          return rule.holds(word: classes[Int(value)]) ? 1 : 0
        }
        return rule.holds(value) ? 1 : 0
      }, isHoldout: table.isHoldout, outcomeValues: drawn)
  }

  /// Names of that many sites, in roster order.
  public static func siteNames(_ count: Int) -> [String] {
    (0..<count).map { "site-\($0 + 1)" }
  }

  /// The rows dealt out at random to that many sites; every site gets at least one where there are
  /// enough.
  public static func partition(
    _ table: CohortTable, into count: Int, seed: UInt64
  ) throws -> [String: CohortTable] {
    var generator = SplitMix64(seed: seed)
    var order = Array(0..<table.rowCount)
    generator.shuffle(&order)
    // Uneven sites: a patient goes to site i with a weight of i + 1.
    var rows = [[Int]](repeating: [], count: count)
    let total = count * (count + 1) / 2
    for (position, row) in order.enumerated() {
      guard position >= count else {
        rows[position].append(row)
        continue
      }
      var draw = generator.uniformInteger(below: total)
      var site = 0
      while draw > site {
        draw -= site + 1
        site += 1
      }
      rows[site].append(row)
    }
    var tables: [String: CohortTable] = [:]
    for (name, own) in zip(siteNames(count), rows) { tables[name] = try table.selecting(own) }
    return tables
  }
}

extension CohortTable {
  /// The same table with the outcome of every training row turned around: a poisoned site.
  public func withTrainingOutcomesFlipped() throws -> CohortTable {
    var outcome = outcome
    for row in rowIndices(.training) { outcome[row] = 1 - outcome[row] }
    return try CohortTable(
      features: features, columns: columns, outcome: outcome, isHoldout: isHoldout,
      hasOutcome: hasOutcome, patients: patients, sourceRows: sourceRows, flow: flow,
      faults: faults)
  }
}
