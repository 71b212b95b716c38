import Cohort

/// What the columns of a hospital's table look like, for a person who writes a study over it. Kinds and
/// recording steps only: no value of a patient is kept.
public struct TableSchema: Sendable, Hashable {
  public struct Column: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
      /// A number with so many digits behind the point.
      case number(digits: Int)
      /// Zeros and ones, or words for yes and no.
      case flag(isNumeric: Bool)
      /// A few words.
      case category
      case date
      /// Many words, or as many as rows: an identifier or free text.
      case text
      /// Nothing stands in it.
      case empty
    }

    public var name: String
    public var kind: Kind
    /// As the hospital declares it.
    public var unit: String?
  }

  public var columns: [Column]
  /// The column that names the patient, as the hospital declares it or by its name.
  public var patientColumn: String?

  /// Words above which a column is text.
  static let maximumLevels = 30
  /// Rows that are looked at.
  static let sampledRows = 5000

  /// As the hospital declares its columns, and where it declares none, as the first rows of the file look.
  public init(_ data: DataDescription) throws(SiteDataError) {
    if !data.columns.isEmpty {
      columns = data.columns.map { column in
        let kind: Column.Kind =
          switch column.type {
          case .number: .number(digits: 2)
          case .flag: .flag(isNumeric: true)
          case .category: .category
          case .date: .date
          case .text: .text
          }
        return Column(name: column.name, kind: kind, unit: column.unit)
      }
      patientColumn = data.patientColumn
      return
    }
    var file = try DataFile(data)
    var guesses = file.columns.map { _ in Guess() }
    while file.rowCount < Self.sampledRows, let (_, fields) = try file.nextRow() {
      for (index, field) in fields.enumerated() { guesses[index].add(field) }
    }
    columns = zip(file.columns, guesses).map { Column(name: $0.name, kind: $1.kind, unit: nil) }
    patientColumn =
      data.patientColumn
      ?? columns.first { Self.patientNames.contains($0.name.lowercased()) }?.name
  }

  /// The words, of some, that stand in no row of a column; none of the file's own words is kept.
  public static func wordsNotIn(
    column name: String, of data: DataDescription, _ words: [String]
  ) throws(SiteDataError) -> [String] {
    guard !words.isEmpty else { return [] }
    var file = try DataFile(data)
    guard let index = try file.index(of: name, detail: "the outcome") else { return words }
    var absent = words
    while !absent.isEmpty, let (_, fields) = try file.nextRow() {
      let text = CellText.canonical(fields[index])
      absent.removeAll { text == CellText.canonical($0) }
    }
    return absent
  }

  static let patientNames: Set<String> = [
    "patient", "patient_id", "patientid", "subject", "subject_id", "pid", "person_id", "id",
  ]

  /// What the cells of a column have in common so far.
  private struct Guess {
    private var count = 0
    private var numberCount = 0
    private var dateCount = 0
    private var digits = 0
    private var words: Set<String> = []

    mutating func add(_ field: String) {
      let text = CellText.canonical(field)
      guard !CellText.isStandardMissing(text) else { return }
      count += 1
      if CellText.number(text) != nil {
        numberCount += 1
        if let point = text.firstIndex(of: ".") {
          digits = max(digits, min(4, text.distance(from: point, to: text.endIndex) - 1))
        }
      } else if CellText.isDate(text) {
        dateCount += 1
      }
      if words.count <= TableSchema.maximumLevels { words.insert(text.lowercased()) }
    }

    var kind: Column.Kind {
      if count == 0 { return .empty }
      if words.isSubset(of: ["0", "1"]) { return .flag(isNumeric: true) }
      if words.isSubset(of: ["yes", "no", "y", "n", "true", "false"]) {
        return .flag(isNumeric: false)
      }
      if numberCount * 20 >= count * 19 { return .number(digits: digits) }
      if dateCount * 20 >= count * 19 { return .date }
      return words.count <= TableSchema.maximumLevels && words.count * 2 <= max(count, 4)
        ? .category : .text
    }
  }
}
