/// The ring Z_2^w that sums are computed in, in two's complement.
public enum RingWidth: UInt8, Sendable, Hashable, CaseIterable {
  /// Z_2^32: the default.
  case bits32 = 32
  /// Z_2^64: sums of squares, long sums, exact amounts.
  case bits64 = 64

  /// Bits of one element.
  public var bitCount: Int { Int(rawValue) }
  /// Bytes of one element on the wire.
  public var byteCount: Int { Int(rawValue) / 8 }
  /// The largest value that a sum may have: 2^(w−1) − 1.
  public var largest: Int64 { self == .bits32 ? Int64(Int32.max) : Int64.max }
  /// The smallest value that a sum may have: −2^(w−1).
  public var smallest: Int64 { self == .bits32 ? Int64(Int32.min) : Int64.min }
}
