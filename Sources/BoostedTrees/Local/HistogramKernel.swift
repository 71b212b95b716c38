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

  /// One leaf's rows of one block.
  struct Leaf {
    var count: Int
    /// The places are 0 ..< count.
    var isDense: Bool
    var places: UnsafePointer<UInt16>
    /// Word j belongs to place j.
    var words: UnsafePointer<Int64>
    /// Histogram of the first feature.
    var histogram: UnsafeMutablePointer<Int64>
  }

  /// Some leaves' rows of one block, by all of the requested features.
  ///
  /// Four columns at a time, and for these every leaf: the columns, the words and the four columns'
  /// histograms stay in the second-level cache.
  ///
  /// - Parameters:
  ///   - block: the block's first column.
  ///   - blockRows: distance of two columns.
  static func add(
    leaves: UnsafeBufferPointer<Leaf>, block: UnsafePointer<UInt8>, blockRows: Int,
    features: UnsafeBufferPointer<Int>, starts: UnsafeBufferPointer<Int>
  ) {
    var index = 0
    while index + 4 <= features.count {
      let c0 = block + features[index] * blockRows
      let c1 = block + features[index + 1] * blockRows
      let c2 = block + features[index + 2] * blockRows
      let c3 = block + features[index + 3] * blockRows
      let (s0, s1, s2, s3) = (
        starts[index], starts[index + 1], starts[index + 2], starts[index + 3]
      )
      for leaf in leaves {
        let h = leaf.histogram
        if leaf.isDense {
          addDense4(
            count: leaf.count, words: leaf.words, c0, c1, c2, c3, h + s0, h + s1, h + s2, h + s3)
        } else {
          addSparse4(
            count: leaf.count, places: leaf.places, words: leaf.words, c0, c1, c2, c3, h + s0,
            h + s1, h + s2, h + s3)
        }
      }
      index += 4
    }
    while index < features.count {
      let column = block + features[index] * blockRows
      for leaf in leaves {
        let h = leaf.histogram + starts[index]
        if leaf.isDense {
          addDense1(count: leaf.count, words: leaf.words, column, h)
        } else {
          addSparse1(count: leaf.count, places: leaf.places, words: leaf.words, column, h)
        }
      }
      index += 1
    }
  }
}
