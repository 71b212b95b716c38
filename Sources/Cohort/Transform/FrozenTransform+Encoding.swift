import CanonicalBytes

extension FrozenTransform {
  /// Version of the canonical bytes.
  private static let version: UInt8 = 1

  /// Appends the canonical bytes: a version byte and the features in order.
  public func write(to writer: inout ByteWriter) {
    writer.integer(Self.version)
    writer.array(features) { writer, feature in
      switch feature {
      case .number(let number):
        writer.integer(UInt8(1))
        writer.string(number.name)
        writer.optional(number.unit) { $0.string($1) }
        writer.double(number.imputation)
        writer.double(number.center)
        writer.double(number.scale)
        writer.boolean(number.hasMissingIndicator)
        writer.double(number.clip)
      case .category(let category):
        writer.integer(UInt8(2))
        writer.string(category.name)
        writer.array(category.levels) { $0.string($1) }
        writer.string(category.reference)
        writer.boolean(category.hasOther)
        writer.boolean(category.hasMissingLevel)
      case .flag(let flag):
        writer.integer(UInt8(3))
        writer.string(flag.name)
        writer.double(flag.imputation)
        writer.boolean(flag.hasMissingIndicator)
      }
    }
  }

  /// Reads what `write` wrote; an unsound transform is `notCanonical`.
  public init(from reader: inout ByteReader) throws(DecodingFault) {
    let start = reader.offset
    guard try reader.integer(UInt8.self) == Self.version else {
      throw DecodingFault(.notCanonical, at: start)
    }
    let features = try reader.array(minimumBytes: 6) {
      (reader: inout ByteReader) throws(DecodingFault) -> TransformedFeature in
      let place = reader.offset
      switch try reader.integer(UInt8.self) {
      case 1:
        return .number(
          TransformedFeature.Number(
            name: try reader.string(),
            unit: try reader.optional { (inner: inout ByteReader) throws(DecodingFault) in
              try inner.string()
            },
            imputation: try reader.double(), center: try reader.double(),
            scale: try reader.double(), hasMissingIndicator: try reader.boolean(),
            clip: try reader.double()))
      case 2:
        return .category(
          TransformedFeature.Category(
            name: try reader.string(),
            levels: try reader.array(minimumBytes: 4) {
              (inner: inout ByteReader) throws(DecodingFault) in try inner.string()
            },
            reference: try reader.string(), hasOther: try reader.boolean(),
            hasMissingLevel: try reader.boolean()))
      case 3:
        return .flag(
          TransformedFeature.Flag(
            name: try reader.string(), imputation: try reader.double(),
            hasMissingIndicator: try reader.boolean()))
      default: throw DecodingFault(.notCanonical, at: place)
      }
    }
    do {
      try self.init(features)
    } catch {
      throw DecodingFault(.notCanonical, at: start)
    }
  }
}

extension FrozenTransform: Codable {
  private enum Key: String, CodingKey { case features }

  /// Reads `{"features": [{"kind": …}, …]}` and checks it.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    try self.init(try container.decode([TransformedFeature].self, forKey: .features))
  }

  /// Writes `{"features": [{"kind": …}, …]}`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(features, forKey: .features)
  }
}
