import CanonicalBytes
import Cohort

/// What one site says about its records and about what is missing: every count is nobody's or of enough patients,
/// and so is what it leaves of its whole.
///
/// The numbers are records and rows; what decides whether one is shown are the patients whose they are.
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
    public static let partCount = RecordsFacts.Variable.partCount
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
  /// Records of a kind that may be shown: theirs and the others' patients are nobody or at least `cell`.
  private static func shown(_ split: RecordsFacts.Split, cell: Int) -> Int64? {
    let isFine = [split.part, split.rest].allSatisfy { $0.patients.areNobodyOrAtLeast(cell) }
    return isFine ? Int64(split.part.count) : nil
  }

  /// Words of enough patients each, so that those left out are nobody's or of enough patients too.
  private static func shown(_ words: [RecordsFacts.Unit], cell: Int) -> [Count] {
    func isNamed(_ word: RecordsFacts.Unit) -> Bool {
      word.records.patients.areAtLeast(cell) && word.unit.utf8.count <= maximumWordBytes
    }
    var shown = Array(words.filter(isNamed).prefix(maximumWords))
    var hidden = SomePatients()
    for word in words where !shown.contains(where: { $0.unit == word.unit }) {
      hidden.formUnion(word.records.patients)
    }
    while !hidden.areNobodyOrAtLeast(cell),
      let least = shown.indices.min(by: { shown[$0].records.count < shown[$1].records.count })
    { hidden.formUnion(shown.remove(at: least).records.patients) }
    return shown.map { Count(word: $0.unit, count: Int64($0.records.count)) }
  }

  private static func shown(_ variable: RecordsFacts.Variable, cell: Int) -> Variable {
    guard variable.records.patients.areAtLeast(cell) else {
      return Variable(
        recordCount: variable.records.count == 0 ? 0 : nil, units: [],
        parts: [Int64?](repeating: nil, count: Variable.partCount), mistakes: [])
    }
    return Variable(
      recordCount: Int64(variable.records.count), units: shown(variable.units, cell: cell),
      parts: variable.parts.map { shown($0, cell: cell) },
      mistakes: variable.mistakes.prefix(maximumWords).compactMap { mistake in
        // Records without a unit are declared in the variable's own.
        let unitless = mistake.declaredUnit == variable.unit ? "" : mistake.declaredUnit
        let unit =
          variable.units.first { $0.unit == mistake.declaredUnit }
          ?? variable.units.first { $0.unit == unitless }
        guard let unit, unit.records.patients.areAtLeast(cell) else { return nil }
        let count = (mistake.concernsAll ? 1 : mistake.share) * Double(unit.records.count)
        guard count.rounded() >= Double(cell),
          mistake.declaredUnit.utf8.count <= maximumWordBytes
        else { return nil }
        let percent = mistake.concernsAll ? 100 : (mistake.share * 100).rounded()
        return Mistake(
          declaredUnit: mistake.declaredUnit, likelyUnit: mistake.likelyUnit,
          percent: min(max(Int64(percent), 1), 100))
      })
  }

  /// What a site may say of its records, of what its cohort lacks, and nothing of fewer patients.
  init(_ facts: RecordsFacts, _ cohort: CohortTable, minimumCell: Int) {
    let cell = max(minimumCell, 1)
    variables = facts.variables.map { Self.shown($0, cell: cell) }
    var all = facts.unmapped.part
    all.add(facts.unmapped.rest)
    recordCount = all.patients.areAtLeast(cell) ? Int64(all.count) : 0
    unmappedCount = recordCount == 0 ? nil : Self.shown(facts.unmapped, cell: cell)
    systems = recordCount == 0 ? [] : Self.shown(facts.systems, cell: cell)
    func part(_ isIn: (Int) -> Bool) -> RecordsFacts.Part {
      let rows = (0..<cohort.rowCount).filter(isIn)
      return .init(rows.count, of: SomePatients(rows.lazy.map { cohort.patients[$0] }))
    }
    let events = RecordsFacts.Split(
      part: part { cohort.outcome[$0] == 1 }, rest: part { cohort.outcome[$0] != 1 })
    let areShown = Self.shown(events, cell: cell) != nil
    rows =
      areShown
      ? Missing(without: Int64(events.rest.count), with: Int64(events.part.count))
      : Missing(without: nil, with: nil)
    missing = cohort.columns.map { column in
      guard areShown else { return Missing(without: nil, with: nil) }
      let lacking = [false, true].map { hasOutcome in
        RecordsFacts.Split(
          part: part { (cohort.outcome[$0] == 1) == hasOutcome && column.isMissing($0) },
          rest: part { (cohort.outcome[$0] == 1) == hasOutcome && !column.isMissing($0) })
      }
      // Both or neither: all that lack the feature are known from the distributions.
      guard let without = Self.shown(lacking[0], cell: cell),
        let with = Self.shown(lacking[1], cell: cell)
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
        variables: names.map { .init(name: $0, unit: nil, records: .init(1)) },
        unmapped: .init(), systems: [])
      return HarmonisationAnswer(unknown, cohort, minimumCell: minimumCell)
    }
    return HarmonisationAnswer(facts, cohort, minimumCell: minimumCell)
  }
}
