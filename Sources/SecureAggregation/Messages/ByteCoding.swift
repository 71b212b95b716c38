import CanonicalBytes
import Cryptography
import FixedPoint

/// The shared parts of message bodies (protocol/README.md §1 and §4).
extension ByteReader {
  mutating func digest() throws(DecodingFault) -> Digest {
    let start = offset
    do throws(CryptographyError) {
      return try Digest(try rawBytes(Digest.byteCount))
    } catch {
      throw DecodingFault(.truncated, at: start)
    }
  }

  mutating func signature() throws(DecodingFault) -> Signature {
    let start = offset
    do throws(CryptographyError) {
      return try Signature(try rawBytes(Signature.byteCount))
    } catch {
      throw DecodingFault(.truncated, at: start)
    }
  }

  /// 32 bytes that encode an integer below ℓ.
  mutating func scalar() throws(DecodingFault) -> Scalar {
    let start = offset
    let bytes = try raw(Scalar.byteCount)
    do throws(CryptographyError) {
      return try Scalar(bytes)
    } catch {
      throw DecodingFault(.notCanonical, at: start)
    }
  }

  /// A residue below p = 2^61 − 1.
  mutating func residue() throws(DecodingFault) -> UInt64 {
    let start = offset
    let value = try integer(UInt64.self)
    guard value < SumTag.modulus else { throw DecodingFault(.notCanonical, at: start) }
    return value
  }

  mutating func ringWidth() throws(DecodingFault) -> RingWidth {
    let start = offset
    guard let width = RingWidth(rawValue: try integer()) else {
      throw DecodingFault(.notCanonical, at: start)
    }
    return width
  }

  /// A strictly ascending list of site indices.
  mutating func siteSet() throws(DecodingFault) -> [UInt16] {
    try ascending(
      minimumBytes: 2, { reader throws(DecodingFault) in try reader.integer(UInt16.self) }
    ) { $0 }
  }

  /// An array whose elements are strictly ascending by a site index.
  mutating func ascending<Element>(
    minimumBytes: Int, _ body: (inout ByteReader) throws(DecodingFault) -> Element,
    by index: (Element) -> UInt16
  ) throws(DecodingFault) -> [Element] {
    let start = offset
    let elements = try array(minimumBytes: minimumBytes, body)
    guard zip(elements, elements.dropFirst()).allSatisfy({ index($0) < index($1) }) else {
      throw DecodingFault(.notCanonical, at: start)
    }
    return elements
  }

  /// `raw` for callers whose own error type is the cryptographic one.
  private mutating func rawBytes(_ count: Int) throws(CryptographyError) -> [UInt8] {
    do throws(DecodingFault) {
      return try raw(count)
    } catch {
      throw CryptographyError(.wrongLength)
    }
  }
}

extension ByteWriter {
  mutating func digest(_ digest: Digest) { raw(digest.bytes) }

  mutating func siteSet(_ members: [UInt16]) {
    array(members) { $0.integer($1) }
  }
}

/// A message body: its kind and its one encoding.
protocol MessageBody: Sendable, Hashable {
  static var kind: MessageKind { get }
  func write(to writer: inout ByteWriter)
  init(from reader: inout ByteReader) throws(DecodingFault)
}

extension MessageBody {
  var bytes: [UInt8] {
    var writer = ByteWriter()
    write(to: &writer)
    return writer.bytes
  }

  /// Decodes a whole body; nothing may be left.
  init(_ bytes: [UInt8]) throws(DecodingFault) {
    var reader = ByteReader(bytes)
    try self.init(from: &reader)
    try reader.finish()
  }

  /// Decodes a whole body and names the sender in the fault.
  init(_ bytes: [UInt8], from sender: UInt16) throws(SecureAggregationError) {
    do throws(DecodingFault) {
      try self.init(bytes)
    } catch {
      throw SecureAggregationError(error, naming: [sender])
    }
  }
}
