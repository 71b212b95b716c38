/// The best split of a leaf, from its histogram alone.
///
/// Arithmetic: + − × ÷ on doubles made from integers times powers of two, in a fixed order, so every
/// site finds the same split. Features are tried in ascending order, bins in ascending order, missing
/// values first on the right and then on the left; of equal gains the first wins.
///
/// Gain (Chen and Guestrin 2016, eq. 7, without the factor ½ and γ):
/// T(G_L)²/(H_L + λ) + T(G_R)²/(H_R + λ) − T(G)²/(H + λ), T(G) = sign(G)·max(|G| − α, 0).
struct SplitSearch {
  let bins: [FeatureBins]
  let settings: GrowthSettings
  let scale: DerivativeScale

  /// A leaf, as far as its split is concerned.
  struct Leaf {
    /// Sum of the leaf's words.
    let total: Int64
    /// Patients, where they are counted.
    let count: Int64
    /// Range that the weight must lie in for the sake of monotone features above.
    var lower = -Double.infinity
    var upper = Double.infinity
  }

  struct Candidate: Sendable {
    var gain: Double
    var test: SplitTest
    /// Sum of the left child's words.
    var left: Int64
    var leftCount: Int64
  }

  /// The best split with a gain above γ; nil when there is none.
  ///
  /// Throws `totalInconsistent` with the feature when its bins do not add up to the leaf's total.
  func best(
    _ leaf: Leaf, layout: HistogramLayout, histogram: [Int64], counts: [Int64]
  ) throws(BoostedTreesError) -> Candidate? {
    var scan = SplitScan(leaf: leaf, settings: settings, scale: scale)
    var failure: Int?
    histogram.withUnsafeBufferPointer { words in
      counts.withUnsafeBufferPointer { counts in
        for (index, feature) in layout.features.enumerated() {
          let range = layout.starts[index]..<(layout.starts[index] + bins[feature].binCount)
          let featureWords = UnsafeBufferPointer(rebasing: words[range])
          var total: Int64 = 0
          for word in featureWords { total &+= word }
          guard total == leaf.total else {
            failure = feature
            return
          }
          scan.begin(
            feature: feature, monotone: settings.monotone.isEmpty ? 0 : settings.monotone[feature])
          let featureCounts =
            counts.isEmpty ? nil : UnsafeBufferPointer(rebasing: counts[range])
          switch bins[feature].kind {
          case .numeric: scan.numeric(featureWords, counts: featureCounts)
          case .categorical: scan.categorical(featureWords, counts: featureCounts)
          }
        }
      }
    }
    if let failure { throw BoostedTreesError(.totalInconsistent, index: failure) }
    return scan.best
  }
}

/// The two halves of a packed word.
enum PackedWord {
  /// The low half, signed.
  @inline(__always)
  static func hessian(_ word: Int64) -> Int64 { Int64(Int32(truncatingIfNeeded: word)) }

  /// The high half, without the borrow of a negative low half.
  @inline(__always)
  static func gradient(_ word: Int64) -> Int64 { (word &- hessian(word)) &>> 32 }
}
