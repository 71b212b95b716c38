/// The one table of predicted risks and outcomes a hospital releases: every curve is drawn from it.
///
/// Rows are intervals of predicted risk between points of a public grid, merged until each holds at
/// least the minimum cell of patients. ROC, precision-recall, decision and calibration curves are
/// coarsenings of this one partition, so comparing two curves of a hospital with each other can
/// never isolate fewer patients than a row holds. The decision threshold stays a row boundary.
public struct RiskTable: Sendable, Codable, Equatable {
  /// The patients with a predicted risk in [lower cut, upper cut).
  public struct Row: Sendable, Codable, Equatable {
    /// The lower end, inclusive; 0 for the first row.
    public let lowerCut: Double
    /// The upper end, exclusive; 1, inclusive, for the last row.
    public let upperCut: Double
    /// How many patients; at least the minimum cell, or 0.
    public let patientCount: Int
    /// How many of them have the outcome.
    public let eventCount: Int
    /// The sum of their predicted risks.
    public let predictedSum: Double

    /// How many patients do not have the outcome.
    public var nonEventCount: Int { patientCount - eventCount }
  }

  /// The rows in ascending order of risk; they cover [0, 1] without gaps.
  public let rows: [Row]

  /// The most rows a table has.
  public static let rowLimit = 66

  /// The grid every hospital uses: 0.001 steps up to 0.01, 0.005 steps up to 0.1, 0.01 steps up to
  /// 0.9 and the mirror image above, 135 cuts in ascending order.
  public static let publicGrid: [Double] = {
    let thousandths =
      Array(1..<10) + Array(stride(from: 10, to: 100, by: 5))
      + Array(stride(from: 100, through: 900, by: 10))
      + Array(stride(from: 905, through: 990, by: 5)) + Array(991...999)
    return thousandths.map { Double($0) / 1000 }
  }()

  /// Rows that a decoder has checked.
  init(unchecked rows: [Row]) {
    self.rows = rows
  }

  /// Tabulates predicted risks; rows have at least `minimumCell` patients and at least n/64 of the n
  /// predictions, except that one side of the threshold may be empty.
  ///
  /// - Throws: `lengthMismatch`, `outOfRange`.
  public init(
    probabilities: [Double], outcomes: [Bool], patients: [Int32]? = nil, threshold: Double,
    minimumCell: Int
  ) throws(ValidationError) {
    try checkThreshold(threshold)
    self.init(
      try CheckedInput(
        scores: probabilities, outcomes: outcomes, patients: patients, asRisks: true),
      threshold: threshold, minimumCell: minimumCell)
  }

  /// Tabulates checked rows.
  init(_ input: CheckedInput, threshold: Double, minimumCell: Int) {
    var cuts = RiskTable.publicGrid
    if !cuts.contains(threshold) {
      cuts.append(threshold)
      cuts.sort()
    }
    var cells: [Cell] = []
    var row = 0
    for index in 0...cuts.count {
      let lower = index == 0 ? 0 : cuts[index - 1]
      let upper = index == cuts.count ? 1 : cuts[index]
      var cell = Cell(
        row: Row(
          lowerCut: lower, upperCut: upper, patientCount: 0, eventCount: 0, predictedSum: 0),
        people: input.patients == nil ? nil : [])
      while row < input.count, index == cuts.count || input.scores[row] < upper {
        cell.row = cell.row.adding(outcome: input.outcomes[row], risk: input.scores[row])
        if let patients = input.patients { cell.people?.insert(patients[row]) }
        row += 1
      }
      cells.append(cell)
    }

    let minimum = Minimum(people: max(1, minimumCell), rows: (input.count + 63) / 64)
    let below = RiskTable.merge(cells.filter { $0.row.upperCut <= threshold }, minimum)
    let above = RiskTable.merge(cells.filter { $0.row.upperCut > threshold }, minimum)
    // A merged side is a single row below the minimum only when the side has that few patients.
    let isSmall = { (cells: [Cell]) in
      cells.count == 1 && cells[0].size > 0 && cells[0].size < minimum.people
    }
    let all = below + above
    rows = (isSmall(below) || isSmall(above) ? RiskTable.merge(all, minimum) : all).map(\.row)
  }

  /// A row while it grows, with its patients; nil when every prediction is another patient's.
  private struct Cell {
    var row: Row
    var people: Set<Int32>?

    /// How many patients.
    var size: Int { people?.count ?? row.patientCount }

    func joining(_ next: Self) -> Self {
      Self(row: row.joining(next.row), people: people?.union(next.people ?? []))
    }
  }

  /// What a row has at least: patients, and predictions.
  private struct Minimum {
    var people: Int
    var rows: Int

    func isMet(by cell: Cell) -> Bool {
      cell.size >= people && cell.row.patientCount >= max(people, rows)
    }
  }

  /// Joins neighbouring rows from the left until each holds the minimum; what is left at the end
  /// joins the last full row. All rows become one when the total is below the minimum.
  private static func merge(_ cells: [Cell], _ minimum: Minimum) -> [Cell] {
    var merged: [Cell] = []
    var open: Cell?
    for cell in cells {
      let grown = open.map { $0.joining(cell) } ?? cell
      if minimum.isMet(by: grown) {
        merged.append(grown)
        open = nil
      } else {
        open = grown
      }
    }
    if let rest = open {
      if let last = merged.popLast() {
        merged.append(last.joining(rest))
      } else {
        merged.append(rest)
      }
    }
    return merged
  }

  /// Whether a cut between two rows stands at this risk, so that counts above it are exact.
  public func hasCut(at risk: Double) -> Bool {
    rows.dropLast().contains { $0.upperCut == risk }
  }

  /// How many patients the table holds.
  public var patientCount: Int { rows.reduce(0) { $0 + $1.patientCount } }
  /// How many events the table holds.
  public var eventCount: Int { rows.reduce(0) { $0 + $1.eventCount } }
}

extension RiskTable.Row {
  /// The row with one more patient.
  fileprivate func adding(outcome: Bool, risk: Double) -> Self {
    Self(
      lowerCut: lowerCut, upperCut: upperCut, patientCount: patientCount + 1,
      eventCount: eventCount + (outcome ? 1 : 0), predictedSum: predictedSum + risk)
  }

  /// This row and the one to its right as one.
  func joining(_ next: Self) -> Self {
    Self(
      lowerCut: lowerCut, upperCut: next.upperCut,
      patientCount: patientCount + next.patientCount, eventCount: eventCount + next.eventCount,
      predictedSum: predictedSum + next.predictedSum)
  }
}
