import CanonicalBytes

extension AUROCComparison {
  /// Version of the encoding; a change of layout changes it.
  static let formatVersion: UInt16 = 1

  /// The canonical encoding: both AUROCs with their standard errors, and the standard error of the
  /// difference.
  public var canonicalBytes: [UInt8] {
    var writer = ByteWriter()
    write(to: &writer)
    return writer.bytes
  }

  /// Appends the canonical encoding.
  public func write(to writer: inout ByteWriter) {
    writer.integer(AUROCComparison.formatVersion)
    for auroc in [first, second] {
      writer.double(auroc.value)
      writer.optional(auroc.standardError) { $0.double($1) }
    }
    writer.optional(difference.standardError) { $0.double($1) }
  }

  /// Reads a whole message that holds nothing else; refuses values outside [0, 1] and a standard
  /// error of the difference above the sum of the two.
  ///
  /// - Throws: `malformed`, `implausible`.
  public init(canonicalBytes bytes: [UInt8]) throws(ValidationError) {
    var reader = ByteReader(bytes)
    try self.init(from: &reader)
    try FieldReader(reader).finish()
  }

  /// Reads the encoding at the reader's position, with the checks of `init(canonicalBytes:)`.
  ///
  /// - Throws: `malformed`, `implausible`.
  public init(from bytes: inout ByteReader) throws(ValidationError) {
    var reader = FieldReader(bytes)
    try reader.version(AUROCComparison.formatVersion)
    let first = try AUROCComparison.readAUROC(&reader)
    let second = try AUROCComparison.readAUROC(&reader)
    let error = try reader.optionalNumber("difference", in: 0...1)
    if let error {
      guard let one = first.standardError, let two = second.standardError else {
        throw reader.implausible("an error of a difference of unknown ones", "difference")
      }
      // |cov| ≤ se₁ se₂ bounds the standard error of the difference.
      try reader.require(error <= (one + two) * (1 + 1e-9) + 1e-12, "too large", "difference")
    }
    guard let result = AUROCComparison(first: first, second: second, standardError: error) else {
      throw reader.implausible("not a comparison", "difference")
    }
    bytes = reader.bytes
    self = result
  }

  private static func readAUROC(
    _ reader: inout FieldReader
  ) throws(ValidationError) -> AUROC {
    let value = try reader.number("auroc", in: 0...1)
    let error = try reader.optionalNumber("auroc", in: 0...1)
    guard let auroc = AUROC(value: value, standardError: error) else {
      throw reader.implausible("not an AUROC", "auroc")
    }
    return auroc
  }
}
