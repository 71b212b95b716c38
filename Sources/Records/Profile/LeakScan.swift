import Cohort

/// Looks for features that know the outcome: things that windows cannot rule out, because the
/// source is wrong about when something became known.
public enum LeakScan {
  public enum Suspicion: Sendable, Hashable {
    /// One feature alone separates the outcome: area under its ROC curve.
    case separates(feature: String, auroc: Double)
    /// Whether a feature is recorded at all separates the outcome.
    case missingnessSeparates(feature: String, auroc: Double)
    /// Nearly every row has a word or a whole number of its own: an identifier.
    case identifier(feature: String)
    /// A column that is no patient of the study looks like one, and these of its values, each in several
    /// rows, stand in rows for training and in rows kept aside.
    case acrossSplits(column: String, shared: Int, repeated: Int)
    /// Diagnoses of a source that does not say when they were coded, in a prediction that looks at
    /// them.
    case undatedDiagnosis(feature: String)

    /// What to tell the hospital, no count of fewer than `minimumCell` and nothing from which one follows.
    public func words(minimumCell: Int) -> String {
      guard case .acrossSplits(let column, let shared, let repeated) = self else { return words }
      let isSmall =
        shared < minimumCell || (repeated - shared > 0 && repeated - shared < minimumCell)
      let count =
        isSmall
        ? (shared < minimumCell ? "fewer than \(minimumCell)" : "most")
        : "\(shared) of \(repeated)"
      return
        "\(column) looks like persons, and \(count) of those with several rows stand in training and in"
        + " the holdout: name it under `cohort.patient`, or the model is validated on whom it has seen"
    }

    /// What to tell the researcher.
    public var words: String {
      func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
      switch self {
      case .separates(let feature, let auroc):
        return "\(feature) alone reaches AUROC \(rounded(auroc)): is it recorded after the outcome,"
          + " or the outcome itself?"
      case .missingnessSeparates(let feature, let auroc):
        return "whether \(feature) is recorded reaches AUROC \(rounded(auroc)): it is ordered"
          + " because of the outcome"
      case .identifier(let feature): return "\(feature) is different in nearly every row"
      case .acrossSplits: return words(minimumCell: 1)
      case .undatedDiagnosis(let feature):
        return "\(feature) may have been coded at discharge; use only earlier stays"
      }
    }
  }

  /// How often each text of a column stands in rows for training and in rows kept aside.
  public struct Splits: Sendable {
    private var counts: [String: (training: Int, holdout: Int)] = [:]
    private var rowCount = 0
    private var least = Double.infinity
    private var greatest = -Double.infinity
    private var wordCount = 0
    private var fractionCount = 0
    private var dateCount = 0

    public init() {}

    /// Adds a row's text, already in its canonical form and not missing.
    public mutating func add(_ text: String, isHoldout: Bool) {
      rowCount += 1
      if isHoldout {
        counts[text, default: (0, 0)].holdout += 1
      } else {
        counts[text, default: (0, 0)].training += 1
      }
      guard let number = CellText.number(text) else {
        wordCount += 1
        if CellText.isDate(text) { dateCount += 1 }
        return
      }
      if number != number.rounded() { fractionCount += 1 }
      least = min(least, number)
      greatest = max(greatest, number)
    }

    /// Whether the column can be no identifier of persons, so that its further rows need not be kept.
    public var isHopeless: Bool {
      rowCount >= 1000 && (counts.count * 20 < rowCount || dateCount * 2 > rowCount)
    }

    /// The suspicion; nil when nobody is in both parts, or the column does not look like persons.
    ///
    /// A column looks like persons when it has at least 50 values, nearly all rows (95 %) are of values that
    /// stand in at most ten, and it holds words, or whole numbers too scattered for a measurement: a range of
    /// at least ten times as many values as there are. `isNamed` says that it is called like a patient.
    public func suspicion(_ column: String, isNamed: Bool) -> Suspicion? {
      let values = Array(counts.values)
      let few = values.filter { $0.training + $0.holdout <= 10 }
      let inFew = few.reduce(0) { $0 + $1.training + $1.holdout }
      guard values.count >= 50, inFew * 20 >= rowCount * 19, dateCount * 2 <= rowCount else {
        return nil
      }
      let isScattered =
        fractionCount == 0 && greatest - least >= 10 * Double(values.count)
      guard isNamed || wordCount * 10 >= rowCount * 9 || (wordCount == 0 && isScattered) else {
        return nil
      }
      let repeated = values.count { $0.training + $0.holdout > 1 }
      let shared = values.count { $0.training > 0 && $0.holdout > 0 }
      guard shared > 0 else { return nil }
      return .acrossSplits(column: column, shared: shared, repeated: repeated)
    }
  }

  /// Above this a single feature is suspect.
  public static let threshold = 0.95

  /// The suspects of a table, in the order of its columns. `undated` are variables of diagnoses
  /// that are known at once, from ``RecordsProfile/undatedDiagnoses(_:)``. Labels of the recipe
  /// are not looked at: no model gets them.
  public static func run(
    _ table: FeatureTable, recipe: RecordsRecipe? = nil, undated: [String] = []
  ) -> [Suspicion] {
    let labels = table.outcomes.map { outcome -> Bool in
      if case .event = outcome { return true }
      return false
    }
    var found: [Suspicion] = []
    let labelNames = Set(recipe?.features.filter(\.isLabel).map(\.name) ?? [])
    for column in table.columns where !labelNames.contains(column.name) {
      let missing = (0..<table.rowCount).map { column.isMissing($0) }
      if labels.count == table.rowCount {
        let recorded = missing.map { $0 ? 0.0 : 1.0 }
        if let area = auroc(recorded, labels), max(area, 1 - area) > threshold {
          found.append(.missingnessSeparates(feature: column.name, auroc: max(area, 1 - area)))
        }
        let rows = missing.indices.filter { !missing[$0] }
        let kept = rows.map { labels[$0] }
        let area: Double? =
          switch column.values {
          case .numbers(let numbers): auroc(rows.map { numbers[$0] }, kept)
          case .words(let words): auroc(rates(rows.map { words[$0] ?? "" }, kept), kept)
          }
        if let area, max(area, 1 - area) > threshold, !isIdentifier(column, table.rowCount),
          !namesSubjects(column, table.subjects)
        {
          found.append(.separates(feature: column.name, auroc: max(area, 1 - area)))
        }
      }
      if isIdentifier(column, table.rowCount) || namesSubjects(column, table.subjects) {
        found.append(.identifier(feature: column.name))
      }
    }
    for feature in recipe?.features ?? []
    where !feature.isLabel && undated.contains(feature.measure.variable) {
      found.append(.undatedDiagnosis(feature: feature.name))
    }
    return found
  }

  /// Whether a column tells subjects apart that have several rows: one value in all rows of each, by the rules
  /// of ``isIdentifier(_:_:)`` counted in subjects.
  private static func namesSubjects(_ column: FeatureColumn, _ subjects: [String]) -> Bool {
    var firstRows: [String: Int] = [:]
    for (row, subject) in subjects.enumerated() where !column.isMissing(row) {
      guard let first = firstRows[subject] else {
        firstRows[subject] = row
        continue
      }
      let isSame =
        switch column.values {
        case .numbers(let numbers): numbers[row] == numbers[first]
        case .words(let words): words[row] == words[first]
        }
      guard isSame else { return false }
    }
    let rows = firstRows.values.sorted()
    guard rows.count < subjects.count else { return false }
    let values: FeatureColumn.Values =
      switch column.values {
      case .numbers(let numbers): .numbers(rows.map { numbers[$0] })
      case .words(let words): .words(rows.map { words[$0] })
      }
    return isIdentifier(
      FeatureColumn(name: column.name, unit: column.unit, values: values), rows.count)
  }

  private static func isIdentifier(_ column: FeatureColumn, _ rowCount: Int) -> Bool {
    guard rowCount >= 50 else { return false }
    switch column.values {
    case .words(let words):
      let present = words.compactMap { $0 }
      return present.count >= 50 && Set(present).count * 10 > present.count * 9
    case .numbers(let numbers):
      // Whole numbers that hardly ever repeat: no count and no measurement of so many patients does
      // that. Times and values with decimals do.
      let present = numbers.filter { !$0.isNaN }
      return present.count >= 100 && present.allSatisfy { $0 == $0.rounded() }
        && Set(present).count * 100 >= present.count * 98
    }
  }

  /// The outcome's rate in each row's word.
  private static func rates(_ words: [String], _ labels: [Bool]) -> [Double] {
    var counts: [String: (events: Int, rows: Int)] = [:]
    for (word, label) in zip(words, labels) {
      counts[word, default: (0, 0)].rows += 1
      if label { counts[word, default: (0, 0)].events += 1 }
    }
    return words.map { word in
      let count = counts[word, default: (0, 1)]
      return Double(count.events) / Double(count.rows)
    }
  }

  /// Area under the ROC curve by ranks, ties shared; nil with fewer than ten of either class.
  static func auroc(_ scores: [Double], _ labels: [Bool]) -> Double? {
    let positives = labels.count(where: \.self)
    let negatives = labels.count - positives
    guard scores.count == labels.count, positives >= 10, negatives >= 10 else { return nil }
    let order = scores.indices.sorted { scores[$0] < scores[$1] }
    var sum = 0.0
    var start = 0
    while start < order.count {
      var end = start
      while end + 1 < order.count, scores[order[end + 1]] == scores[order[start]] { end += 1 }
      let rank = Double(start + end) / 2 + 1
      for position in start...end where labels[order[position]] { sum += rank }
      start = end + 1
    }
    let n = Double(positives)
    return (sum - n * (n + 1) / 2) / (n * Double(negatives))
  }
}
