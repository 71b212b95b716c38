import BoostedTrees
import CanonicalBytes
import Cohort
import Cryptography

/// How a study's features become the bins that trees see: frozen by the study program, the same at
/// every site, in the report and in the model file.
///
/// Missing values have a bin of their own. Nothing is imputed.
public struct TreeColumns: Sendable, Hashable, Codable {
  /// One feature.
  public enum Feature: Sendable, Hashable {
    /// A number in `unit`, cut at ascending values; a value on a cut belongs above it.
    case number(name: String, unit: String?, cuts: [Double])
    /// No, yes.
    case flag(name: String)
    /// Levels in order; with `hasOther` a last bin takes all other words, which count as missing
    /// without it.
    case category(name: String, levels: [String], hasOther: Bool)

    public var name: String {
      switch self {
      case .number(let name, _, _), .flag(let name), .category(let name, _, _): name
      }
    }
  }

  /// In the order of the plan.
  public let features: [Feature]
  /// The bins that the trees are grown on, one per feature.
  public let bins: [FeatureBins]
  /// BLAKE2b-256 over the canonical bytes of the features.
  public let digest: Digest

  /// Throws `invalidBins` with the feature.
  public init(_ features: [Feature]) throws(BoostedTreesError) {
    self.features = features
    var bins: [FeatureBins] = []
    for feature in features { bins.append(try Self.bins(feature)) }
    self.bins = bins
    var writer = ByteWriter()
    writer.array(features) { $1.write(to: &$0) }
    digest = Blake2b.hash("wr-tree-columns", writer.bytes)
  }

  private static func bins(_ feature: Feature) throws(BoostedTreesError) -> FeatureBins {
    switch feature {
    case .number(let name, _, let cuts): try FeatureBins(name: name, cutsAt: cuts)
    case .flag(let name): try FeatureBins(name: name, kind: .numeric(cuts: [0.5]))
    case .category(let name, let levels, let hasOther):
      try FeatureBins(
        name: name, kind: .categorical(levelCount: levels.count + (hasOther ? 1 : 0)))
    }
  }

  /// The table's rows as bins. Throws `tableMismatch` as a `StudyError` where the table's features are
  /// not these.
  public func table(of cohort: CohortTable, rows: [Int]? = nil) throws -> BinnedTable {
    let rows = rows ?? Array(0..<cohort.rowCount)
    var columns: [[Double]] = []
    for feature in features {
      // By name: a table may have more features than the models use.
      guard let index = cohort.features.firstIndex(where: { $0.name == feature.name }) else {
        throw CohortError(.shapeMismatch, name: feature.name)
      }
      switch (feature, cohort.columns[index]) {
      case (.number, .number(let values)), (.flag, .flag(let values)):
        columns.append(rows.map { values[$0] })
      case (.category(_, let levels, let hasOther), .category):
        let codes = cohort.codes(index, in: levels)
        columns.append(
          rows.map { row in
            let code = codes[row]
            if code >= 0 { return Double(code) }
            return code == CohortTable.Column.otherCode && hasOther ? Double(levels.count) : .nan
          })
      default: throw CohortError(.shapeMismatch, name: feature.name)
      }
    }
    return try BinnedTable(features: bins, columns: columns)
  }

  public static func == (left: Self, right: Self) -> Bool { left.digest == right.digest }
  public func hash(into hasher: inout Hasher) { hasher.combine(digest) }

  public init(from decoder: any Decoder) throws {
    try self.init(try [Feature](from: decoder))
  }

  public func encode(to encoder: any Encoder) throws { try features.encode(to: encoder) }
}

extension TreeColumns.Feature: Codable {
  private enum CodingKeys: String, CodingKey { case kind, name, unit, cuts, levels, hasOther }
  private enum Kind: String, Codable { case number, flag, category }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let name = try container.decode(String.self, forKey: .name)
    switch try container.decode(Kind.self, forKey: .kind) {
    case .number:
      self = .number(
        name: name, unit: try container.decodeIfPresent(String.self, forKey: .unit),
        cuts: try container.decode([Double].self, forKey: .cuts))
    case .flag: self = .flag(name: name)
    case .category:
      self = .category(
        name: name, levels: try container.decode([String].self, forKey: .levels),
        hasOther: try container.decode(Bool.self, forKey: .hasOther))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    switch self {
    case .number(_, let unit, let cuts):
      try container.encode(Kind.number, forKey: .kind)
      try container.encodeIfPresent(unit, forKey: .unit)
      try container.encode(cuts, forKey: .cuts)
    case .flag: try container.encode(Kind.flag, forKey: .kind)
    case .category(_, let levels, let hasOther):
      try container.encode(Kind.category, forKey: .kind)
      try container.encode(levels, forKey: .levels)
      try container.encode(hasOther, forKey: .hasOther)
    }
  }

  func write(to writer: inout ByteWriter) {
    switch self {
    case .number(let name, let unit, let cuts):
      writer.integer(UInt8(0))
      writer.string(name)
      writer.optional(unit) { $0.string($1) }
      writer.array(cuts) { $0.double($1) }
    case .flag(let name):
      writer.integer(UInt8(1))
      writer.string(name)
    case .category(let name, let levels, let hasOther):
      writer.integer(UInt8(2))
      writer.string(name)
      writer.array(levels) { $0.string($1) }
      writer.boolean(hasOther)
    }
  }
}
