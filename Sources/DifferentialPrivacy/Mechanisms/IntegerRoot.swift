/// Square roots of integers, exact.
public enum IntegerRoot {
  /// ⌊√x⌋.
  public static func floor(_ x: UInt64) -> UInt64 {
    UInt64(truncatingIfNeeded: floor(UInt128(x)))
  }

  /// ⌈√x⌉.
  public static func ceiling(_ x: UInt64) -> UInt64 {
    let root = floor(x)
    return root * root == x ? root : root + 1
  }

  /// ⌊√x⌋, at most 2^64 − 1: one binary digit of the root at a time.
  static func floor(_ x: UInt128) -> UInt128 {
    var rest = x
    var root: UInt128 = 0
    var bit: UInt128 = 1 << 126
    while bit > x { bit >>= 2 }
    while bit != 0 {
      if rest >= root + bit {
        rest -= root + bit
        root = root >> 1 + bit
      } else {
        root >>= 1
      }
      bit >>= 2
    }
    return root
  }

  /// ⌈√x⌉; at most 2^64.
  static func ceiling(_ x: UInt128) -> UInt128 {
    let root = floor(x)
    return root * root == x ? root : root + 1
  }
}
