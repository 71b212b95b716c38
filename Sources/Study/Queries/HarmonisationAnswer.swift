import CanonicalBytes
import Cohort

/// What one site says about its records and about what is missing, every count either nobody's or of enough,
/// and so is what it leaves of its whole.
///
/// Of records the counts are records: a variable that fewer than the minimum of the site's patients have is
/// held back altogether.
public struct HarmonisationAnswer: Sendable, Hashable, Codable {
  /// One variable of the recipe.
  public struct Variable: Sendable, Hashable, Codable {
    /// Records of it; nil where too few patients have it.
    public var recordCount: Int64?
    /// Records by the unit that they name, the empty text for none; units of too few are left out.
    public var units: [Count]
    /// Records without a value, in a unit without conversion, converted, outside the hard range, outside
    /// the warn range; nil where it is held back.
    public var parts: [Int64?]
    public var mistakes: [Mistake]

    /// How many parts there are.
    public static let partCount = 5
  }

  /// Records under one word.
  public struct Count: Sendable, Hashable, Codable {
    public var word: String
    public var count: Int64
  }

  /// Values that look recorded in another unit than they name.
  public struct Mistake: Sendable, Hashable, Codable {
    public var declaredUnit: String
    public var likelyUnit: String
    /// Per cent of the values, 1 to 100; 100 when all are meant.
    public var percent: Int64
  }

  /// Rows of one feature without a value.
  public struct Missing: Sendable, Hashable, Codable {
    /// Of those without and with the outcome; nil where one of the two is held back.
    public var without: Int64?
    public var with: Int64?
  }

  /// In the order of the recipe.
  public var variables: [Variable]
  /// Records, and those that no variable gathers; nil where it is held back.
  public var recordCount: Int64
  public var unmappedCount: Int64?
  /// Records by code system, the most frequent first; systems of too few are left out.
  public var systems: [Count]
  /// Rows of the cohort without and with the outcome; nil where one of them is held back.
  public var rows: Missing
  /// One per feature of the plan.
  public var missing: [Missing]

  /// The most words of a list, and their longest.
  static let maximumWords = 64
  static let maximumWordBytes = 64

  func write(to writer: inout ByteWriter) {
    func optional(_ writer: inout ByteWriter, _ value: Int64?) {
      writer.optional(value) { $0.integer($1) }
    }
    func counts(_ writer: inout ByteWriter, _ values: [Count]) {
      writer.array(values) {
        $0.string($1.word)
        $0.integer($1.count)
      }
    }
    writer.array(variables) {
      optional(&$0, $1.recordCount)
      counts(&$0, $1.units)
      $0.array($1.parts) { optional(&$0, $1) }
      $0.array($1.mistakes) {
        $0.string($1.declaredUnit)
        $0.string($1.likelyUnit)
        $0.integer($1.percent)
      }
    }
    writer.integer(recordCount)
    optional(&writer, unmappedCount)
    counts(&writer, systems)
    writer.array([rows] + missing) {
      optional(&$0, $1.without)
      optional(&$0, $1.with)
    }
  }

  init(_ reader: inout ByteReader) throws(DecodingFault) {
    func optional(_ r: inout ByteReader) throws(DecodingFault) -> Int64? {
      try r.optional { (r: inout ByteReader) throws(DecodingFault) in try r.integer(Int64.self) }
    }
    func counts(_ r: inout ByteReader) throws(DecodingFault) -> [Count] {
      try r.array(minimumBytes: 12) { (r: inout ByteReader) throws(DecodingFault) in
        Count(word: try r.string(limit: Self.maximumWordBytes), count: try r.integer(Int64.self))
      }
    }
    variables = try reader.array(minimumBytes: 13) {
      (r: inout ByteReader) throws(DecodingFault) in
      Variable(
        recordCount: try optional(&r), units: try counts(&r),
        parts: try r.array(minimumBytes: 1) { (r: inout ByteReader) throws(DecodingFault) in
          try optional(&r)
        },
        mistakes: try r.array(minimumBytes: 16) { (r: inout ByteReader) throws(DecodingFault) in
          Mistake(
            declaredUnit: try r.string(limit: Self.maximumWordBytes),
            likelyUnit: try r.string(limit: Self.maximumWordBytes),
            percent: try r.integer(Int64.self))
        })
    }
    recordCount = try reader.integer(Int64.self)
    unmappedCount = try optional(&reader)
    systems = try counts(&reader)
    let place = reader.offset
    let all = try reader.array(minimumBytes: 2) { (r: inout ByteReader) throws(DecodingFault) in
      Missing(without: try optional(&r), with: try optional(&r))
    }
    guard let first = all.first else { throw DecodingFault(.notCanonical, at: place) }
    rows = first
    missing = Array(all.dropFirst())
  }

  /// What is impossible about the answer, in words; nil when nothing is.
  func problem(variableCount: Int, featureCount: Int, minimumCell: Int) -> String? {
    guard variables.count == variableCount, missing.count == featureCount else {
      return "one entry per variable and feature is expected"
    }
    let cell = Int64(max(minimumCell, 1))
    let most = Int64(1) << 40
    func fits(_ count: Int64?) -> Bool {
      count.map { $0 == 0 || (cell...most).contains($0) } ?? true
    }
    func fit(_ counts: [Count]) -> Bool {
      counts.count <= Self.maximumWords && Set(counts.map(\.word)).count == counts.count
        && counts.allSatisfy { (cell...most).contains($0.count) }
    }
    let areFitting =
      variables.allSatisfy { variable in
        fits(variable.recordCount) && fit(variable.units)
          && variable.parts.count == Variable.partCount && variable.parts.allSatisfy(fits)
          && variable.mistakes.count <= Self.maximumWords
          && variable.mistakes.allSatisfy { (1...100).contains($0.percent) }
      } && (0...most).contains(recordCount) && fits(unmappedCount) && fit(systems)
      && ([rows] + missing).allSatisfy { fits($0.without) && fits($0.with) }
    return areFitting ? nil : "a count that is negative, too small to be shown, or too large"
  }
}

extension HarmonisationAnswer {
  /// A part of a whole that may be shown: it and what it leaves are nobody or at least `cell`.
  static func shown(_ part: Int, of whole: Int, cell: Int) -> Int64? {
    let isFine = [part, whole - part].allSatisfy { $0 == 0 || $0 >= cell }
    return isFine ? Int64(part) : nil
  }

  /// What a site may say of its records, of what its cohort lacks, and nothing of smaller cells.
  init(_ facts: RecordsFacts, _ cohort: CohortTable, minimumCell: Int) {
    let cell = max(minimumCell, 1)
    // What is not shown is what the others leave of the whole: it is nobody's or of enough, too.
    func counts(_ units: [RecordsFacts.Unit], of whole: Int) -> [Count] {
      var shown = Array(
        units.filter { $0.count >= cell && $0.unit.utf8.count <= Self.maximumWordBytes }
          .prefix(Self.maximumWords))
      func rest() -> Int { whole - shown.reduce(0) { $0 + $1.count } }
      while rest() != 0, rest() < cell,
        let least = shown.indices.min(by: { shown[$0].count < shown[$1].count })
      { shown.remove(at: least) }
      return shown.map { Count(word: $0.unit, count: Int64($0.count)) }
    }
    variables = facts.variables.map { variable in
      guard variable.patientCount >= cell else {
        return Variable(
          recordCount: variable.recordCount == 0 ? 0 : nil, units: [],
          parts: [Int64?](repeating: nil, count: Variable.partCount), mistakes: [])
      }
      let parts = [
        variable.missingCount, variable.unknownUnitCount, variable.convertedCount,
        variable.hardRangeCount, variable.warnRangeCount,
      ]
      return Variable(
        recordCount: Int64(variable.recordCount),
        units: counts(variable.units, of: variable.recordCount),
        parts: parts.map { Self.shown($0, of: variable.recordCount, cell: cell) },
        mistakes: variable.mistakes.prefix(Self.maximumWords).compactMap { mistake in
          // Records without a unit are declared in the variable's own.
          let unitless = mistake.declaredUnit == variable.unit ? "" : mistake.declaredUnit
          let unit =
            variable.units.first { $0.unit == mistake.declaredUnit }
            ?? variable.units.first { $0.unit == unitless }
          let recorded = unit?.count ?? 0
          let count = (mistake.concernsAll ? 1 : mistake.share) * Double(recorded)
          guard count.rounded() >= Double(cell),
            mistake.declaredUnit.utf8.count <= Self.maximumWordBytes
          else { return nil }
          let percent = mistake.concernsAll ? 100 : (mistake.share * 100).rounded()
          return Mistake(
            declaredUnit: mistake.declaredUnit, likelyUnit: mistake.likelyUnit,
            percent: min(max(Int64(percent), 1), 100))
        })
    }
    recordCount = facts.recordCount >= cell ? Int64(facts.recordCount) : 0
    unmappedCount = Self.shown(facts.unmappedCount, of: facts.recordCount, cell: cell)
    systems = counts(facts.systems, of: facts.recordCount)
    let events = cohort.outcome.count { $0 == 1 }
    let classes = (without: cohort.rowCount - events, with: events)
    let areShown = [classes.without, classes.with].allSatisfy { $0 == 0 || $0 >= cell }
    rows =
      areShown
      ? Missing(without: Int64(classes.without), with: Int64(classes.with))
      : Missing(without: nil, with: nil)
    missing = cohort.columns.map { column in
      guard areShown else { return Missing(without: nil, with: nil) }
      var lacking = (without: 0, with: 0)
      for row in 0..<cohort.rowCount where column.isMissing(row) {
        if cohort.outcome[row] == 1 { lacking.with += 1 } else { lacking.without += 1 }
      }
      // Both or neither: all that lack the feature are known from the distributions.
      guard let without = Self.shown(lacking.without, of: classes.without, cell: cell),
        let with = Self.shown(lacking.with, of: classes.with, cell: cell)
      else { return Missing(without: nil, with: nil) }
      return Missing(without: without, with: with)
    }
  }
}

extension LocalAnswers {
  /// What this site's records look like.
  func harmonisation(minimumCell: Int) -> HarmonisationAnswer {
    let names = plan.records?.variables.map(\.name) ?? []
    let facts = cohort.recordsFacts
    guard let facts, facts.variables.map(\.name) == names else {
      // Records that several sites of a simulation share are nobody's own.
      let unknown = RecordsFacts(
        variables: names.map { .init(name: $0, unit: nil, patientCount: 0, recordCount: 1) },
        recordCount: 0, unmappedCount: 0, systems: [])
      return HarmonisationAnswer(unknown, cohort, minimumCell: minimumCell)
    }
    return HarmonisationAnswer(facts, cohort, minimumCell: minimumCell)
  }
}
