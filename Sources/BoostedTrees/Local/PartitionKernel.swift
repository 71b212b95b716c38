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
      let limit = last &- shift
      var left = 0
      var right = 0
      for j in 0..<count {
        let place = places[j]
        let goesLeft = column[Int(place)] &- shift <= limit
        places[left] = place
        spare[right] = place
        left &+= goesLeft ? 1 : 0
        right &+= goesLeft ? 0 : 1
      }
      (places + left).update(from: spare, count: right)
      return left
    case .equals:
      var left = 0
      var right = 0
      for j in 0..<count {
        let place = places[j]
        if test.goesLeft(column[Int(place)]) {
          places[left] = place
          left += 1
        } else {
          spare[right] = place
          right += 1
        }
      }
      (places + left).update(from: spare, count: right)
      return left
    }
  }
}
