/// Adds patients' words to the bins of their features.
///
/// Safety: every pointer comes from an array's buffer that the caller holds for the whole call.
/// `columns` have one bin for each place that `places` names or, in the dense form, `count` bins; a
/// bin is below the feature's `binCount`, as `BinnedTable` guarantees; each histogram has `binCount`
/// words. The additions wrap: `DerivativeScale` bounds every sum.
enum HistogramKernel {
  /// Rows 0 ..< count of four columns.
  @inline(__always)
  static func addDense4(
    count: Int, words: UnsafePointer<Int64>,
    _ c0: UnsafePointer<UInt8>, _ c1: UnsafePointer<UInt8>,
    _ c2: UnsafePointer<UInt8>, _ c3: UnsafePointer<UInt8>,
    _ h0: UnsafeMutablePointer<Int64>, _ h1: UnsafeMutablePointer<Int64>,
    _ h2: UnsafeMutablePointer<Int64>, _ h3: UnsafeMutablePointer<Int64>
  ) {
    for row in 0..<count {
      let word = words[row]
      h0[Int(c0[row])] &+= word
      h1[Int(c1[row])] &+= word
      h2[Int(c2[row])] &+= word
      h3[Int(c3[row])] &+= word
    }
  }

  /// The rows at `places` of four columns; word j belongs to place j.
  @inline(__always)
  static func addSparse4(
    count: Int, places: UnsafePointer<UInt16>, words: UnsafePointer<Int64>,
    _ c0: UnsafePointer<UInt8>, _ c1: UnsafePointer<UInt8>,
    _ c2: UnsafePointer<UInt8>, _ c3: UnsafePointer<UInt8>,
    _ h0: UnsafeMutablePointer<Int64>, _ h1: UnsafeMutablePointer<Int64>,
    _ h2: UnsafeMutablePointer<Int64>, _ h3: UnsafeMutablePointer<Int64>
  ) {
    for j in 0..<count {
      let row = Int(places[j])
      let word = words[j]
      h0[Int(c0[row])] &+= word
      h1[Int(c1[row])] &+= word
      h2[Int(c2[row])] &+= word
      h3[Int(c3[row])] &+= word
    }
  }

  /// The rows at `places` of one column.
  @inline(__always)
  static func addSparse1(
    count: Int, places: UnsafePointer<UInt16>, words: UnsafePointer<Int64>,
    _ column: UnsafePointer<UInt8>, _ histogram: UnsafeMutablePointer<Int64>
  ) {
    for j in 0..<count { histogram[Int(column[Int(places[j])])] &+= words[j] }
  }

  /// Rows 0 ..< count of one column.
  @inline(__always)
  static func addDense1(
    count: Int, words: UnsafePointer<Int64>,
    _ column: UnsafePointer<UInt8>, _ histogram: UnsafeMutablePointer<Int64>
  ) {
    for row in 0..<count { histogram[Int(column[row])] &+= words[row] }
  }

  /// One leaf's rows of one block, by all of the requested features.
  ///
  /// - Parameters:
  ///   - isDense: the places are 0 ..< count.
  ///   - block: the block's first column.
  ///   - blockRows: distance of two columns.
  static func add(
    count: Int, isDense: Bool, places: UnsafePointer<UInt16>, words: UnsafePointer<Int64>,
    block: UnsafePointer<UInt8>, blockRows: Int, features: UnsafeBufferPointer<Int>,
    starts: UnsafeBufferPointer<Int>, histogram: UnsafeMutablePointer<Int64>
  ) {
    var index = 0
    while index + 4 <= features.count {
      let c0 = block + features[index] * blockRows
      let c1 = block + features[index + 1] * blockRows
      let c2 = block + features[index + 2] * blockRows
      let c3 = block + features[index + 3] * blockRows
      let h0 = histogram + starts[index]
      let h1 = histogram + starts[index + 1]
      let h2 = histogram + starts[index + 2]
      let h3 = histogram + starts[index + 3]
      if isDense {
        addDense4(count: count, words: words, c0, c1, c2, c3, h0, h1, h2, h3)
      } else {
        addSparse4(count: count, places: places, words: words, c0, c1, c2, c3, h0, h1, h2, h3)
      }
      index += 4
    }
    while index < features.count {
      let column = block + features[index] * blockRows
      if isDense {
        addDense1(count: count, words: words, column, histogram + starts[index])
      } else {
        addSparse1(
          count: count, places: places, words: words, column, histogram + starts[index])
      }
      index += 1
    }
  }
}
