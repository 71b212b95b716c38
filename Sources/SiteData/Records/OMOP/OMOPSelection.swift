import Records

/// A selection of records as conditions that a database can check.
///
/// What is pushed down: the choice of the records by code, and of those left in the database, by
/// patient, that there are some, how many, and their last time. The records that are handed out then
/// go through the same arithmetic as those of any other source, so that the table is the same bytes.
/// What is not, and why:
/// - mean, sum, slope and variability: their sums are exact whole numbers of billionths (``Moments``),
///   which the databases' own sums, of doubles in any order, are not;
/// - minimum, maximum, count, first and last: which value counts depends on unit conversion, ranges,
///   codes for missing values and ties (known last, then largest), and every record of a variable
///   counts in what cleaning reports;
/// - windows: they hang on each patient's index times, which no read-only transaction can hand over.
struct OMOPSelection {
  private let selection: RecordSelection
  private let database: any TableDatabase

  init(_ selection: RecordSelection, _ database: any TableDatabase) {
    self.selection = selection
    self.database = database
  }

  /// The condition under which a record of a table is handed out; nil when all are. A record for
  /// which it is unknown (null) is left in the database.
  func condition(_ table: OMOPTable) throws(SiteDataError) -> String? {
    switch table.kind {
    case .person, .visit, .death, .period: return nil
    case .condition: if selection.asksForDiagnoses { return nil }
    case .record: break
    }
    let concepts = selection.codes(of: "omop")
    guard !concepts.isEverything else { return nil }
    var numbers = Set(
      concepts.exact.compactMap { text in
        Int64(text).flatMap { String($0) == text ? $0 : nil }
      })
    // Codes of the source are asked for: those are the records with the concept 0, or none.
    let asksForSource = !selection.codes(of: "omop-source").isEmpty
    if asksForSource { numbers.insert(0) }
    let heads = concepts.prefixes.filter { head in
      !head.isEmpty && head.utf8.allSatisfy { (48...57).contains($0) || $0 == 45 }
    }
    let column = "t.\(table.concept)"
    guard let isOther = try database.isNoInteger(column, of: table.name) else { return nil }
    var parts = isOther.isEmpty ? [] : [isOther]
    if !numbers.isEmpty {
      parts.append("\(column) IN (\(numbers.sorted().map(String.init).joined(separator: ", ")))")
    }
    parts += heads.sorted().map { "CAST(\(column) AS TEXT) LIKE '\($0)%'" }
    if asksForSource { parts.append("\(column) IS NULL") }
    return parts.isEmpty ? "1 = 0" : parts.joined(separator: " OR ")
  }

  /// The query for what is left of a table, one row per patient or per patient and time: patient,
  /// count, and two times or null.
  func rest(
    _ table: OMOPTable, without condition: String, times: [String], time: String
  ) throws(SiteDataError) -> String {
    let from = "FROM \(table.name) t WHERE NOT COALESCE(\(condition), FALSE)"
    let person = database.text("t.person_id")
    switch selection.followUp {
    case .nothing:
      return "SELECT \(person), count(*), NULL, NULL \(from) GROUP BY t.person_id"
    case .lastTime:
      var areTimes = true
      for column in times where areTimes {
        areTimes = try database.isTime("t.\(column)", of: table.name)
      }
      if areTimes, let last = times.last, times.count <= 2 {
        let first = database.text("max(t.\(times[0]))")
        let second =
          times.count == 1
          ? "NULL" : database.text("max(CASE WHEN t.\(times[0]) IS NULL THEN t.\(last) END)")
        return "SELECT \(person), count(*), \(first), \(second) \(from) GROUP BY t.person_id"
      }
      fallthrough
    case .everyTime:
      return "SELECT \(person), count(*), \(time), NULL \(from) GROUP BY t.person_id, \(time)"
    }
  }
}
