import PortableNumerics

/// How predicted classes compare with recorded ones on one hospital's holdout.
///
/// Reveals to the study: means over all rows, of at least the minimum cell of patients; rows and AUROC
/// of the classes that the small-cell rule leaves (`ClassCells`).
public struct ClassPerformance: Sendable, Codable, Equatable {
  /// One class against all others.
  public struct OneClass: Sendable, Codable, Equatable {
    /// The class's name.
    public let name: String
    /// Rows recorded with the class; nil where held back.
    public let rowCount: Int?
    /// AUROC of the class's probability for rows of the class against all others; nil where the count
    /// is held back (an exact AUROC gives it away), or the class or its complement has no row.
    public let discrimination: AUROC?
  }

  /// Rows of the holdout; at least 1.
  public let rowCount: Int
  /// Share of rows whose likeliest class, the first of equally likely ones, is the recorded one.
  public let accuracy: Double
  /// Mean −log of the recorded class's probability, taken as at least 10⁻¹⁵; lower is better.
  public let meanLogLoss: Double
  /// The classes in the study's order.
  public let classes: [OneClass]

  /// Most classes an outcome may have.
  static let classLimit = 64
  /// Largest mean log loss: −log 10⁻¹⁵.
  static let lossLimit = 34.54
  /// Least probability in a log loss.
  private static let leastProbability = 1e-15

  /// The classes' names.
  public var names: [String] { classes.map(\.name) }
  /// Rows whose likeliest class is the recorded one.
  var correctCount: Int { Int((accuracy * Double(rowCount)).rounded()) }

  /// Parts a decoder or an evaluation has checked.
  init(unchecked rowCount: Int, correctCount: Int, meanLogLoss: Double, classes: [OneClass]) {
    self.rowCount = rowCount
    self.accuracy = Double(correctCount) / Double(rowCount)
    self.meanLogLoss = meanLogLoss
    self.classes = classes
  }
}

extension ClassPerformance {
  /// Compares predicted with recorded classes; nil below the minimum cell of patients.
  ///
  /// The result has the same bits however the rows are ordered. O(n log n) per class.
  ///
  /// - Parameters:
  ///   - probabilities: per row one probability per class, together 1 up to 10⁻⁶.
  ///   - observed: the recorded class of each row, an index into `classes`.
  ///   - classes: 2 … 64 different names of at most 256 bytes.
  ///   - isEvent: which classes together are the outcome's event, whose count is published beside these;
  ///     empty for none.
  ///   - patients: whose each row is; nil when each is another patient's.
  ///   - minimumCell: the smallest number of patients a released cell may hold; 1 or less for no rule.
  /// - Throws: `lengthMismatch`; `outOfRange` for classes that are not such, probabilities that are no
  ///   distribution and classes that are not among the names.
  public init?(
    probabilities: [[Double]], observed: [Int], classes: [String], isEvent: [Bool],
    patients: [Int32]? = nil, minimumCell: Int
  ) throws(ValidationError) {
    try checkRows(probabilities.count, observed: observed.count, patients: patients)
    guard (2...Self.classLimit).contains(classes.count), Set(classes).count == classes.count,
      classes.allSatisfy({ $0.utf8.count <= 256 })
    else {
      throw ValidationError(.outOfRange, "2 to 64 different classes", field: "classes")
    }
    guard isEvent.isEmpty || isEvent.count == classes.count else {
      throw ValidationError(.lengthMismatch, "one entry per class", field: "isEvent")
    }
    for row in probabilities.indices {
      guard probabilities[row].count == classes.count else {
        throw ValidationError(
          .lengthMismatch, "one probability per class", field: "probabilities", index: row)
      }
      guard probabilities[row].allSatisfy({ $0 >= 0 && $0 <= 1 }),
        (probabilities[row].reduce(0, +) - 1).magnitude <= 1e-6
      else {
        throw ValidationError(
          .outOfRange, "probabilities must lie in [0, 1] and add up to 1",
          field: "probabilities", index: row)
      }
      guard classes.indices.contains(observed[row]) else {
        throw ValidationError(.outOfRange, "no such class", field: "observed", index: row)
      }
    }
    let cells = ClassCells(
      observed: observed, patients: patients, isEvent: isEvent, classCount: classes.count,
      minimum: max(1, minimumCell))
    guard !observed.isEmpty, cells.patientCount >= minimumCell else { return nil }

    var correctCount = 0
    var losses: [Double] = []
    losses.reserveCapacity(observed.count)
    for (row, recorded) in zip(probabilities, observed) {
      let most = row.max() ?? 0
      if row.firstIndex(of: most) == recorded { correctCount += 1 }
      losses.append(-Portable.log(max(row[recorded], Self.leastProbability)))
    }
    losses.sort()
    var parts: [OneClass] = []
    for (index, name) in classes.enumerated() {
      let rowCount = cells.shownCount(index)
      parts.append(
        OneClass(
          name: name, rowCount: rowCount,
          discrimination: rowCount == nil
            ? nil
            : try AUROC.evaluate(
              scores: probabilities.map { $0[index] }, outcomes: observed.map { $0 == index })))
    }
    self.init(
      unchecked: observed.count, correctCount: correctCount,
      meanLogLoss: max(0, CompensatedSum.of(losses) / Double(losses.count)), classes: parts)
  }

  /// All hospitals together, for parts with the same classes: accuracy and log loss over all rows; a
  /// class's rows where every part shows them; as AUROC the mean, by rows, of the parts that have one,
  /// which compares rows within hospitals only and has no standard error here. Nil without parts.
  public static func pooled(_ parts: [ClassPerformance]) -> ClassPerformance? {
    guard let names = parts.first?.names, parts.allSatisfy({ $0.names == names }) else {
      return nil
    }
    let total = parts.reduce(0.0) { $0 + Double($1.rowCount) }
    guard total > 0, total < 0x1p53 else { return nil }
    let losses = parts.lazy.map { Double($0.rowCount) * $0.meanLogLoss }
    return ClassPerformance(
      unchecked: Int(total), correctCount: parts.reduce(0) { $0 + $1.correctCount },
      meanLogLoss: CompensatedSum.of(losses) / total,
      classes: names.indices.map { index in
        let counts = parts.compactMap { $0.classes[index].rowCount }
        let areas = parts.compactMap { part in
          part.classes[index].discrimination.map { (Double(part.rowCount), $0.value) }
        }
        let weight = areas.reduce(0) { $0 + $1.0 }
        return OneClass(
          name: names[index],
          rowCount: counts.count == parts.count ? counts.reduce(0, +) : nil,
          discrimination: weight > 0
            ? AUROC(value: areas.reduce(0) { $0 + $1.0 * $1.1 } / weight, standardError: nil)
            : nil)
      })
  }
}
