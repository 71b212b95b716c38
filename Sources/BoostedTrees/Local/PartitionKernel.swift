/// Divides a leaf's rows of one block between two children, keeping their order.
///
/// Safety: `places` and `spare` have room for `count` places; `column` has a bin for each place.
enum PartitionKernel {
  /// Moves the rows that go left to the front and returns their number.
  static func split(
    count: Int, places: UnsafeMutablePointer<UInt16>, spare: UnsafeMutablePointer<UInt16>,
    column: UnsafePointer<UInt8>, test: SplitTest
  ) -> Int {
    switch test.rule {
    case .upTo(let last):
      // Left: bins 0 … last, or 1 … last. With missing on the right, bin 0 wraps round to 255.
      let shift: UInt8 = test.missingGoesLeft ? 0 : 1
      let limit = UInt32(last &- shift)
      return divide(count: count, places: places, spare: spare) { place in
        // The sign of limit − bin, without a branch: half of the branches would be mispredicted.
        let bin = UInt32(column[place] &- shift)
        return Int(truncatingIfNeeded: ((limit &- bin) &>> 31) ^ 1)
      }
    case .equals(let only):
      let missing: UInt32 = test.missingGoesLeft ? 1 : 0
      return divide(count: count, places: places, spare: spare) { place in
        let bin = UInt32(column[place])
        // x − 1 borrows only for x = 0.
        let isOnly = ((bin ^ UInt32(only)) &- 1) &>> 31
        let isMissing = (bin &- 1) &>> 31
        return Int(truncatingIfNeeded: isOnly | (isMissing & missing))
      }
    }
  }

  /// `goesLeft` gives 1 for the rows that go left, 0 for the others.
  @inline(__always)
  private static func divide(
    count: Int, places: UnsafeMutablePointer<UInt16>, spare: UnsafeMutablePointer<UInt16>,
    goesLeft: (Int) -> Int
  ) -> Int {
    var left = 0
    for j in 0..<count {
      let place = places[j]
      // Both are written, one is overwritten by the next row.
      places[left] = place
      spare[j &- left] = place
      left &+= goesLeft(Int(place))
    }
    (places + left).update(from: spare, count: count - left)
    return left
  }
}
