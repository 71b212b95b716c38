import CanonicalBytes

extension FeatureSummary {
  /// Version of the encoding; a change of layout changes it.
  static let formatVersion: UInt16 = 1

  /// The canonical encoding: what a hospital signs.
  public var canonicalBytes: [UInt8] {
    var writer = ByteWriter()
    write(to: &writer)
    return writer.bytes
  }

  /// Appends the canonical encoding.
  public func write(to writer: inout ByteWriter) {
    writer.integer(FeatureSummary.formatVersion)
    writer.string(feature)
    switch bins {
    case .cuts(let cuts):
      writer.boolean(false)
      writer.array(cuts) { $0.double($1) }
    case .levels(let levels):
      writer.boolean(true)
      writer.array(levels) { $0.string($1) }
    }
    writer.array(counts) { $0.integer(Int64($1)) }
    writer.integer(Int64(missingCount))
    writer.integer(Int64(mergedCellCount))
    writer.integer(Int64(minimumCell))
    writer.boolean(isSuppressed)
    writer.optional(quartiles) { writer, quartiles in
      writer.double(quartiles.lower)
      writer.double(quartiles.median)
      writer.double(quartiles.upper)
    }
  }

  /// Reads a whole message that holds nothing else.
  ///
  /// - Throws: `malformed`, `implausible`.
  public init(canonicalBytes bytes: [UInt8]) throws(ValidationError) {
    var reader = ByteReader(bytes)
    try self.init(from: &reader)
    try FieldReader(reader).finish()
  }

  /// Reads the encoding at the reader's position and refuses negative counts, cells below the stated
  /// minimum, cuts that do not ascend, repeated levels and quartiles out of order.
  ///
  /// - Throws: `malformed`, `implausible`.
  public init(from bytes: inout ByteReader) throws(ValidationError) {
    var reader = FieldReader(bytes)
    try reader.version(FeatureSummary.formatVersion)
    let feature = try reader.text("feature")
    let bins = try FeatureSummary.readBins(&reader)
    let binCount = try reader.length(
      "counts", limit: FeatureSummary.binLimit, minimumBytes: 8)
    try reader.require(binCount == bins.count, "not one count per bin", "counts")
    var counts: [Int] = []
    for _ in 0..<binCount { counts.append(try reader.count("counts")) }
    let missingCount = try reader.count("missingCount")
    let mergedCellCount = try reader.count("mergedCellCount", limit: 2 * FeatureSummary.binLimit)
    let minimumCell = try reader.count("minimumCell")
    let isSuppressed = try reader.isPresent("isSuppressed")
    let quartiles = try FeatureSummary.readQuartiles(&reader, bins: bins)

    try reader.require(minimumCell >= 1, "must be at least 1", "minimumCell")
    try reader.require(
      (counts + [missingCount]).allSatisfy { $0 == 0 || $0 >= minimumCell },
      "a cell is below the minimum", "counts")
    let observed = counts.reduce(0, +)
    try reader.require(
      !isSuppressed || (observed == 0 && missingCount == 0), "withheld but present", "counts")
    try reader.require(
      quartiles == nil || observed > 0, "quartiles of no values", "quartiles")
    bytes = reader.bytes
    self.init(
      unchecked: feature, bins: bins, counts: counts, missingCount: missingCount,
      quartiles: quartiles, mergedCellCount: mergedCellCount, minimumCell: minimumCell,
      isSuppressed: isSuppressed)
  }

  private static func readBins(_ reader: inout FieldReader) throws(ValidationError) -> Bins {
    if try reader.isPresent("bins") {
      let count = try reader.length("levels", limit: binLimit - 1, minimumBytes: 4)
      var levels: [String] = []
      for _ in 0..<count { levels.append(try reader.text("levels")) }
      try reader.require(Set(levels).count == count, "a level stands twice", "levels")
      return .levels(levels)
    }
    let count = try reader.length("cuts", limit: binLimit - 1, minimumBytes: 8)
    var cuts: [Double] = []
    for _ in 0..<count { cuts.append(try reader.number("cuts")) }
    try reader.require(
      zip(cuts, cuts.dropFirst()).allSatisfy { $0 < $1 }, "cuts must ascend", "cuts")
    return .cuts(cuts)
  }

  private static func readQuartiles(
    _ reader: inout FieldReader, bins: Bins
  ) throws(ValidationError) -> Quartiles? {
    guard try reader.isPresent("quartiles") else { return nil }
    let lower = try reader.number("quartiles")
    let median = try reader.number("quartiles")
    let upper = try reader.number("quartiles")
    try reader.require(
      bins.isOrdered && lower <= median && median <= upper, "out of order", "quartiles")
    return Quartiles(lower: lower, median: median, upper: upper)
  }
}
