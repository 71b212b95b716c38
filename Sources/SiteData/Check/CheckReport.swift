/// What the site check found: problems with their places and a summary of the columns. Holds no
/// patient's value; counts below the site's minimum cell appear as "<k".
public struct CheckReport: Sendable, Hashable, Codable {
  public enum Severity: String, Sendable, Hashable, Codable, CaseIterable, Comparable {
    /// The data cannot be used as they are.
    case error
    /// The data can be used, but a person should look.
    case warning
    /// Worth knowing.
    case note

    public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

    private var rank: Int {
      switch self {
      case .error: 0
      case .warning: 1
      case .note: 2
      }
    }
  }

  /// One kind of problem in one column, with the rows where it occurs.
  public struct Problem: Sendable, Hashable, Codable {
    /// Stable name of the kind, as `unreadable-number`.
    public let kind: String
    public let severity: Severity
    /// The column's name; nil when the problem concerns whole rows or the file.
    public let column: String?
    /// Column from 1, where known.
    public let columnNumber: Int?
    /// How many rows have it.
    public let count: Int
    /// The rows that have it, from 1, header not counted.
    public let rows: [Int]
    /// The lines of the file on which those rows begin.
    public let lines: [Int]
    /// What is wrong.
    public let message: String
    /// What to do about it.
    public let advice: String
  }

  /// One column in numbers.
  public struct Column: Sendable, Hashable, Codable {
    public let name: String
    public let type: String
    public let unit: String?
    /// Missing cells as a percentage of rows, "<p%" where their count is below the minimum cell.
    public let missing: String
    /// Readable values, as a count or "<k"; ">n−k" where the exact count would tell a small count
    /// of missing cells.
    public let present: String
    /// For a category: how many different words occur.
    public let levelCount: Int?
  }

  public let site: String
  public let file: String
  /// Rows of the file, header not counted.
  public let rowCount: Int
  /// Different patients, as a count or "<k"; nil without a patient column.
  public let patients: String?
  public let problems: [Problem]
  public let columns: [Column]

  /// Whether the data can be used: no problem is an error.
  public var isUsable: Bool { problems.allSatisfy { $0.severity != .error } }

  /// How many problems have a severity.
  public func count(_ severity: Severity) -> Int {
    problems.count { $0.severity == severity }
  }
}
