import CanonicalBytes
import Foundation
import Testing

@testable import Validation

/// Predicted and recorded numbers, counts and classes; the same recipe gives the numbers in Python.
///
/// Per row three draws a, b, c: number ⌊1000 (20 a − 5 + 4 (b − ½))⌋/1000 against 18 a − 4; count
/// ⌊6 a b + c⌋ against 0.25 + 2.5 a; class probabilities (0.2 + a, 0.3 + b², 0.15)/their sum against
/// class 0 for c < 0.9 p₀, 1 for c < 0.9 p₀ + p₁, else 2.
struct SeededValues {
  var numbers: [Double] = []
  var predictedNumbers: [Double] = []
  var counts: [Double] = []
  var predictedCounts: [Double] = []
  var classes: [Int] = []
  var probabilities: [[Double]] = []

  init(count: Int, seed: UInt64) {
    var uniform = SeededUniform(seed: seed)
    for _ in 0..<count {
      let a = uniform.next()
      let b = uniform.next()
      let c = uniform.next()
      numbers.append((1000 * (20 * a - 5 + 4 * (b - 0.5))).rounded(.down) / 1000)
      predictedNumbers.append(18 * a - 4)
      counts.append((6 * a * b + c).rounded(.down))
      predictedCounts.append(0.25 + 2.5 * a)
      let weights = [0.2 + a, 0.3 + b * b, 0.15]
      let total = weights[0] + weights[1] + weights[2]
      let row = weights.map { $0 / total }
      probabilities.append(row)
      classes.append(c < 0.9 * row[0] ? 0 : c < 0.9 * row[0] + row[1] ? 1 : 2)
    }
  }

  /// The rows in another order.
  func shuffled(seed: UInt64) -> SeededValues {
    var uniform = SeededUniform(seed: seed)
    var order = Array(numbers.indices)
    for index in order.indices.reversed() {
      order.swapAt(index, uniform.integer(below: index + 1))
    }
    var copy = self
    copy.numbers = order.map { numbers[$0] }
    copy.predictedNumbers = order.map { predictedNumbers[$0] }
    copy.counts = order.map { counts[$0] }
    copy.predictedCounts = order.map { predictedCounts[$0] }
    copy.classes = order.map { classes[$0] }
    copy.probabilities = order.map { probabilities[$0] }
    return copy
  }

  static let reference = SeededValues(count: 200, seed: 20_240_601)
  static let names = ["home", "other hospital", "died"]

  func numberPerformance(minimumCell: Int = 10) throws -> NumberPerformance? {
    try NumberPerformance(
      predicted: predictedNumbers, observed: numbers, isCount: false, minimumCell: minimumCell)
  }

  func countPerformance(minimumCell: Int = 10) throws -> NumberPerformance? {
    try NumberPerformance(
      predicted: predictedCounts, observed: counts, isCount: true, minimumCell: minimumCell)
  }

  func classPerformance(minimumCell: Int = 10) throws -> ClassPerformance? {
    try ClassPerformance(
      probabilities: probabilities, observed: classes, classes: Self.names,
      isEvent: [false, false, true], minimumCell: minimumCell)
  }
}

@Suite struct ValuePerformanceTests {
  /// A hospital's performance that every kind of values may stand beside: 200 rows.
  static func site() throws -> SitePerformance {
    let values = SeededValues.reference
    return try HoldoutEvaluation.evaluate(
      probabilities: values.probabilities.map { $0[2] }, outcome: values.classes.map { $0 == 2 },
      threshold: 0.2, minimumCell: 10)
  }

  static func all() throws -> [ValuePerformance] {
    let values = SeededValues.reference
    return [
      .numbers(try #require(try values.numberPerformance())),
      .numbers(try #require(try values.countPerformance())),
      .classes(try #require(try values.classPerformance())),
    ]
  }

  /// Reference: scikit-learn 1.9.1, mean_absolute_error, root_mean_squared_error, r2_score,
  /// mean_poisson_deviance of the recipe above.
  @Test func numbersAndCountsAreAsScikitLearnHasThem() throws {
    let numbers = try #require(try SeededValues.reference.numberPerformance())
    #expect(numbers.rowCount == 200 && !numbers.isCount)
    #expect(close(numbers.meanObserved, 4.59485))
    #expect(close(numbers.meanPredicted, 4.759302873920101))
    #expect(close(numbers.meanAbsoluteError, 1.1355760482440633))
    #expect(close(numbers.rootMeanSquaredError, 1.333388006553455))
    #expect(close(numbers.rSquared, 0.945337405293764))
    let counts = try #require(try SeededValues.reference.countPerformance())
    #expect(close(counts.meanObserved, 1.36))
    #expect(close(counts.meanPredicted, 1.4665698436000139))
    #expect(close(counts.meanAbsoluteError, 0.8606252819990365))
    #expect(close(counts.rootMeanSquaredError, 1.1223515648349853))
    #expect(close(counts.rSquared, 0.25919016990852706))
    #expect(close(counts.meanPoissonDeviance, 0.9420562865069394))
  }

  /// Reference: scikit-learn 1.9.1, accuracy_score, log_loss, roc_auc_score of the recipe above.
  @Test func classesAreAsScikitLearnHasThem() throws {
    let classes = try #require(try SeededValues.reference.classPerformance())
    #expect(classes.rowCount == 200)
    #expect(classes.names == SeededValues.names)
    #expect(classes.accuracy == 0.5)
    #expect(close(classes.meanLogLoss, 1.0460609742222189))
    #expect(classes.classes.map(\.rowCount) == [91, 74, 35])
    #expect(close(classes.classes[0].discrimination?.value, 0.563665692106059))
    #expect(close(classes.classes[1].discrimination?.value, 0.5879450879450878))
    #expect(close(classes.classes[2].discrimination?.value, 0.5864935064935065))
  }

  @Test func oneRowIsWorkedByHand() throws {
    let number = try #require(
      try NumberPerformance(predicted: [3], observed: [5], isCount: true, minimumCell: 1))
    #expect(number.meanAbsoluteError == 2 && number.rootMeanSquaredError == 2)
    #expect(number.rSquared == nil, "one number has no spread")
    #expect(close(number.meanPoissonDeviance, 2 * (5 * log(5.0 / 3) - 2)))
    let none = try #require(
      try NumberPerformance(predicted: [0], observed: [0], isCount: true, minimumCell: 1))
    #expect(none.meanPoissonDeviance ?? 1 < 1e-14)
    // Of equally likely classes the first; a probability of 0 costs log 10¹⁵ and not infinity.
    let one = try #require(
      try ClassPerformance(
        probabilities: [[0.5, 0.5, 0], [0.5, 0.5, 0]], observed: [0, 2],
        classes: SeededValues.names, isEvent: [], minimumCell: 1))
    #expect(one.accuracy == 0.5)
    #expect(close(one.meanLogLoss, (log(2) + 15 * log(10)) / 2))
    #expect(one.classes.map(\.rowCount) == [1, 0, 1])
    #expect(one.classes[1].discrimination == nil)
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func orderOfRowsDoesNotChangeABit(seed: UInt64) throws {
    let values = SeededValues.reference
    let other = values.shuffled(seed: seed)
    #expect(other.numbers != values.numbers)
    #expect(try other.numberPerformance() == values.numberPerformance())
    #expect(try other.countPerformance() == values.countPerformance())
    #expect(try other.classPerformance() == values.classPerformance())
  }

  @Test func pooledIsOneEvaluationOfAllRows() throws {
    let parts = [(40, 7), (90, 8), (300, 9)].map { SeededValues(count: $0, seed: UInt64($1)) }
    var whole = parts[0]
    for part in parts.dropFirst() {
      whole.numbers += part.numbers
      whole.predictedNumbers += part.predictedNumbers
      whole.counts += part.counts
      whole.predictedCounts += part.predictedCounts
      whole.classes += part.classes
      whole.probabilities += part.probabilities
    }
    for (sites, expected) in [
      (try parts.map { try $0.numberPerformance() }, try whole.numberPerformance()),
      (try parts.map { try $0.countPerformance() }, try whole.countPerformance()),
    ] {
      let pooled = try #require(NumberPerformance.pooled(sites.compactMap { $0 }))
      let expected = try #require(expected)
      #expect(pooled.rowCount == 430)
      #expect(close(pooled.meanObserved, expected.meanObserved))
      #expect(close(pooled.meanPredicted, expected.meanPredicted))
      #expect(close(pooled.meanAbsoluteError, expected.meanAbsoluteError))
      #expect(close(pooled.rootMeanSquaredError, expected.rootMeanSquaredError))
      #expect(close(pooled.rSquared, try #require(expected.rSquared), 1e-9))
      #expect(pooled.isCount == expected.isCount)
      if let deviance = expected.meanPoissonDeviance {
        #expect(close(pooled.meanPoissonDeviance, deviance))
      }
    }
    let sites = try parts.compactMap { try $0.classPerformance(minimumCell: 1) }
    let pooled = try #require(ClassPerformance.pooled(sites))
    let expected = try #require(try whole.classPerformance(minimumCell: 1))
    #expect(pooled.accuracy == expected.accuracy)
    #expect(close(pooled.meanLogLoss, expected.meanLogLoss))
    #expect(pooled.classes.map(\.rowCount) == expected.classes.map(\.rowCount))
    let means = (0..<3).map { index in
      sites.reduce(0) {
        $0 + Double($1.rowCount) * ($1.classes[index].discrimination?.value ?? 0)
      } / 430
    }
    for (one, mean) in zip(pooled.classes, means) {
      #expect(close(one.discrimination?.value, mean))
    }
    #expect(ValuePerformance.pooled([]) == nil)
    let kinds = try Self.all()
    #expect(ValuePerformance.pooled(kinds) == nil, "numbers and classes are not added")
    #expect(ValuePerformance.pooled([kinds[2]])?.rowCount == 200)
  }

  @Test func valuesNobodyCanHaveAreRefused() throws {
    func code(_ body: () throws -> Void) -> ValidationError.Code? {
      do {
        try body()
        return nil
      } catch { return (error as? ValidationError)?.code }
    }
    func numbers(
      _ predicted: [Double], _ observed: [Double], isCount: Bool = false, patients: [Int32]? = nil
    ) -> ValidationError.Code? {
      code {
        _ = try NumberPerformance(
          predicted: predicted, observed: observed, isCount: isCount, patients: patients,
          minimumCell: 1)
      }
    }
    #expect(numbers([1], []) == .lengthMismatch)
    #expect(numbers([1], [1], patients: []) == .lengthMismatch)
    #expect(numbers([.nan], [1]) == .outOfRange)
    #expect(numbers([1], [.infinity]) == .outOfRange)
    #expect(numbers([1e101], [1]) == .outOfRange)
    #expect(numbers([-1], [1], isCount: true) == .outOfRange)
    #expect(numbers([1], [1.5], isCount: true) == .outOfRange)
    #expect(numbers([-1], [1.5]) == nil)
    func classes(
      _ probabilities: [[Double]], _ observed: [Int], names: [String] = ["a", "b"],
      isEvent: [Bool] = []
    ) -> ValidationError.Code? {
      code {
        _ = try ClassPerformance(
          probabilities: probabilities, observed: observed, classes: names, isEvent: isEvent,
          minimumCell: 1)
      }
    }
    #expect(classes([[0.5, 0.5]], []) == .lengthMismatch)
    #expect(classes([[0.5, 0.5, 0]], [0]) == .lengthMismatch)
    #expect(classes([[0.5, 0.5]], [0], isEvent: [true]) == .lengthMismatch)
    #expect(classes([[0.5, 0.4]], [0]) == .outOfRange)
    #expect(classes([[.nan, 1]], [0]) == .outOfRange)
    #expect(classes([[1.5, -0.5]], [0]) == .outOfRange)
    #expect(classes([[0.5, 0.5]], [2]) == .outOfRange)
    #expect(classes([[0.5, 0.5]], [-1]) == .outOfRange)
    #expect(classes([[0.5, 0.5]], [0], names: ["a", "a"]) == .outOfRange)
    #expect(classes([[1]], [0], names: ["a"]) == .outOfRange)
    #expect(classes([[0.5, 0.5]], [1]) == nil)
  }

  @Test func extremeNumbersStayFinite() throws {
    let huge = try #require(
      try NumberPerformance(
        predicted: [-1e100, 1e100, 0], observed: [1e100, -1e100, 0], isCount: false,
        minimumCell: 1))
    #expect(huge.rSquared == -3)
    #expect(try JSONEncoder().encode(huge).count > 0)
    let tiny = try #require(
      try NumberPerformance(
        predicted: [1e90, 1e90], observed: [0, 5e-160], isCount: false, minimumCell: 1))
    #expect(tiny.rSquared == nil)
  }

  @Test func withoutEnoughPatientsNothingIsSaid() throws {
    let few = SeededValues(count: 9, seed: 4)
    #expect(try few.numberPerformance() == nil)
    #expect(try few.classPerformance() == nil)
    let empty = SeededValues(count: 0, seed: 4)
    #expect(try empty.numberPerformance(minimumCell: 0) == nil)
    #expect(try empty.classPerformance(minimumCell: 0) == nil)
    // Two hundred rows of nine patients.
    let values = SeededValues.reference
    let patients = values.numbers.indices.map { Int32($0 % 9) }
    #expect(
      try NumberPerformance(
        predicted: values.predictedNumbers, observed: values.numbers, isCount: false,
        patients: patients, minimumCell: 10) == nil)
    #expect(
      try ClassPerformance(
        probabilities: values.probabilities, observed: values.classes,
        classes: SeededValues.names, isEvent: [], patients: patients, minimumCell: 10) == nil)
  }

  @Test func valuesAreHeldBackWithTheRisks() throws {
    let values = ValuePerformance.numbers(
      try #require(try SeededValues.reference.countPerformance()))
    let site = try Self.site()
    #expect(site.values == nil)
    #expect(site.with(values: values).values == values)
    #expect(site.with(values: values).with(values: nil) == site)
    let risks = [Double](repeating: 0.5, count: 200)
    let small = try HoldoutEvaluation.evaluate(
      probabilities: risks, outcome: (0..<200).map { $0 < 4 }, threshold: 0.5, minimumCell: 10)
    #expect(small.suppressed == .smallClass)
    #expect(small.with(values: values).values == nil)
    // Four rows without a value are a small cell too.
    let more = try HoldoutEvaluation.evaluate(
      probabilities: [Double](repeating: 0.5, count: 204), outcome: (0..<204).map { $0 < 50 },
      threshold: 0.5, minimumCell: 10)
    #expect(more.with(values: values).values == nil)
    let noisy = try NoisyPerformance(
      nonEvents: [100, 40], events: [20, 40], cuts: [0.5], noiseVariance: 1
    ).performance(threshold: 0.5, seed: 1)
    #expect(noisy.with(values: values).values == nil)
  }
}
