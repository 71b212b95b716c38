import Records

/// How the columns of a delimited file become events.
public struct DelimitedMapping: Sendable, Hashable {
  /// Where the patient's identifier stands.
  public enum Subject: Sendable, Hashable {
    case column(String)
    /// Each file is one patient: its name without folder and extension (`.csv`, `.psv`, `.tsv` or
    /// `.txt`, and `.gz` behind it).
    case fileName
  }

  /// When something happened.
  public enum When: Sendable, Hashable {
    case column(String, TimeFormat)
    /// Facts without a date that the site declares to be known from the start.
    case always
    /// At so many elapsed seconds, for summaries of a stretch of time that ends there.
    case at(Int64)
  }

  /// One value per row, or one value per column.
  public enum Layout: Sendable, Hashable {
    case long(code: String, value: String?, unit: String?)
    case wide([WideColumn])
  }

  /// A column of a wide file.
  public struct WideColumn: Sendable, Hashable {
    public var column: String
    public var code: String
    public var unit: String?

    public init(_ column: String, code: String? = nil, unit: String? = nil) {
      self.column = column
      self.code = code ?? column
      self.unit = unit
    }
  }

  public var subject: Subject
  public var when: When
  /// Column with the time at which the record became known; a date alone is the end of that day, and
  /// an empty field leaves the record out of every feature. Nil when that is the time itself.
  public var knownColumn: String?
  public var layout: Layout
  /// Code system of a long file's codes, put before them with a colon; empty for local codes.
  public var codeSystem: String
  /// The recipe's codes for local ones.
  public var codes: [String: String]
  /// Units of codes, after renaming, whose records name none.
  public var units: [String: String]
  /// Texts that mean "not recorded", besides the empty field.
  public var missing: Set<String>
  public var delimiter: UInt8
  /// Stands for the decimal point of numbers: `.` or `,`.
  public var decimal: UInt8
  /// Elapsed times before this many seconds are moved to it: for facts that become known only when
  /// the whole record is closed.
  public var earliest: Int64?

  public init(
    subject: Subject, when: When, knownColumn: String? = nil, layout: Layout,
    codeSystem: String = "", codes: [String: String] = [:], units: [String: String] = [:],
    missing: Set<String> = [], delimiter: UInt8 = UInt8(ascii: ","),
    decimal: UInt8 = UInt8(ascii: "."), earliest: Int64? = nil
  ) {
    self.subject = subject
    self.when = when
    self.knownColumn = knownColumn
    self.layout = layout
    self.codeSystem = codeSystem
    self.codes = codes
    self.units = units
    self.missing = missing
    self.delimiter = delimiter
    self.decimal = decimal
    self.earliest = earliest
  }
}

/// Delimited files with one mapping.
public struct DelimitedSource: EventSource {
  /// How much of a file one thread parses at a time: its events fit the processor's own memory.
  public static let defaultBlockBytes = 1 << 18

  /// The most threads that one source uses.
  public static let maximumThreads = 64

  public let files: [String]
  public let mapping: DelimitedMapping
  public let policy: ReadingPolicy
  /// Threads that parse, the calling one included. No result depends on it.
  public let threads: Int
  /// Bytes parsed at a time, about. No result depends on it.
  public let blockBytes: Int

  public init(
    files: [String], mapping: DelimitedMapping, policy: ReadingPolicy = .fail, threads: Int = 1,
    blockBytes: Int = Self.defaultBlockBytes
  ) {
    self.files = files
    self.mapping = mapping
    self.policy = policy
    self.threads = threads
    self.blockBytes = blockBytes
  }

  public var name: String { FileNaming.source(files, arePatients: mapping.subject == .fileName) }

  public var byteTotal: Int? { InputBytes.size(of: files) }

  public func open() throws(SiteDataError) -> any EventReader {
    guard !files.isEmpty else {
      throw SiteDataError(
        .emptyFile, file: name, message: "there are no files", advice: "check the path")
    }
    try checkStems()
    return DelimitedReader(self)
  }

  /// A file's name without its folder and without the extensions of such files; other dots belong to
  /// the name.
  static func stem(_ path: String) -> String {
    let last = path.split(separator: "/").last ?? path[...]
    var stem = last
    for endings in [[".gz"], [".csv", ".psv", ".tsv", ".txt"]] {
      if let ending = endings.first(where: { stem.lowercased().hasSuffix($0) }) {
        stem = stem.dropLast(ending.count)
      }
    }
    return String(stem.isEmpty ? last : stem)
  }

  /// Throws where two files that are one patient each would be the same one.
  private func checkStems() throws(SiteDataError) {
    guard mapping.subject == .fileName else { return }
    var seen: [String: Int] = [:]
    for (number, path) in files.enumerated() {
      guard let first = seen.updateValue(number, forKey: Self.stem(path)) else { continue }
      throw SiteDataError(
        .unsuitable, file: FileNaming.file(number, of: files, isPatient: true),
        message: "the file's name without its extension is that of"
          + " \(FileNaming.file(first, of: files, isPatient: true)): they would be one patient",
        advice: "keep one file for each patient, or name the column of the patient in `subject`")
    }
  }
}
