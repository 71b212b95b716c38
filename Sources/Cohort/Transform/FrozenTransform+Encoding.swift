import CanonicalBytes

extension FrozenTransform {
  /// Appends the canonical bytes: a version byte, 2 with a completion and 1 without, the features in order,
  /// and the completion.
  public func write(to writer: inout ByteWriter) {
    writer.integer(UInt8(completion == nil ? 1 : 2))
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
    completion?.write(to: &writer)
  }

  /// Reads what `write` wrote; an unsound transform is `notCanonical`.
  public init(from reader: inout ByteReader) throws(DecodingFault) {
    let start = reader.offset
    let version = try reader.integer(UInt8.self)
    guard version == 1 || version == 2 else { throw DecodingFault(.notCanonical, at: start) }
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
    let completion = version == 2 ? try Completion(from: &reader) : nil
    guard completion?.isEmpty != true else { throw DecodingFault(.notCanonical, at: start) }
    do {
      try self.init(features, completion: completion)
    } catch {
      throw DecodingFault(.notCanonical, at: start)
    }
  }
}

extension FrozenTransform: Codable {
  private enum Key: String, CodingKey { case features, completion }

  /// Reads `{"features": [{"kind": …}, …], "completion": {…}}` and checks it; the second may be absent.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    try self.init(
      try container.decode([TransformedFeature].self, forKey: .features),
      completion: try container.decodeIfPresent(Completion.self, forKey: .completion))
  }

  /// Writes the form that `init(from:)` reads.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(features, forKey: .features)
    try container.encodeIfPresent(completion, forKey: .completion)
  }
}
