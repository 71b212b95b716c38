/// One boosting step of an additive model, from a summed histogram alone. Portable arithmetic in a
/// fixed order; of equal gains the first wins.
struct AdditiveStep {
  let l2: Double
  let rate: Double
  let minimumWeight: Double
  let scale: DerivativeScale

  private func gradient(_ word: Int64) -> Double {
    Double(PackedWord.gradient(word)) * scale.gradientUnit
  }

  func hessian(_ word: Int64) -> Double {
    Double(PackedWord.hessian(word)) * scale.hessianUnit
  }

  private func score(_ word: Int64) -> Double {
    let weight = hessian(word) + l2
    return weight > 0 ? gradient(word) * gradient(word) / weight : 0
  }

  private func value(_ word: Int64) -> Double {
    let weight = hessian(word)
    return weight > 0 ? -rate * gradient(word) / (weight + l2) : 0
  }

  /// What the step adds, by bin. A numeric feature's values are divided into at most `partLimit`
  /// intervals, best gain first; levels and missing values are parts of their own, and a level that
  /// is too light stays where it is.
  func values(_ words: ArraySlice<Int64>, bins: FeatureBins, partLimit: Int) -> [Double] {
    let words = Array(words)
    var result = [Double](repeating: 0, count: words.count)
    func isHeavy(_ word: Int64) -> Bool {
      hessian(word) >= max(minimumWeight, scale.hessianUnit)
    }
    if isHeavy(words[0]) { result[0] = value(words[0]) }
    if case .categorical = bins.kind {
      for bin in 1..<words.count where isHeavy(words[bin]) { result[bin] = value(words[bin]) }
      return result
    }
    var prefix: [Int64] = [0]
    for word in words.dropFirst() { prefix.append(prefix[prefix.count - 1] &+ word) }
    func sum(_ part: Range<Int>) -> Int64 { prefix[part.upperBound] &- prefix[part.lowerBound] }
    // Half-open ranges of bins less 1.
    var parts = [0..<(words.count - 1)]
    var cuts: [(gain: Double, place: Int)?] = [bestCut(parts[0], sum: sum)]
    while parts.count < partLimit {
      var chosen: Int?
      for (index, cut) in cuts.enumerated() {
        guard let cut else { continue }
        if cut.gain > (chosen.flatMap { cuts[$0]?.gain } ?? 0) { chosen = index }
      }
      guard let chosen, let cut = cuts[chosen] else { break }
      let part = parts[chosen]
      parts[chosen] = part.lowerBound..<cut.place
      parts.insert(cut.place..<part.upperBound, at: chosen + 1)
      cuts[chosen] = bestCut(parts[chosen], sum: sum)
      cuts.insert(bestCut(parts[chosen + 1], sum: sum), at: chosen + 1)
    }
    for part in parts {
      let value = value(sum(part))
      for bin in part { result[bin + 1] = value }
    }
    return result
  }

  private func bestCut(
    _ part: Range<Int>, sum: (Range<Int>) -> Int64
  ) -> (gain: Double, place: Int)? {
    let total = score(sum(part))
    let least = max(minimumWeight, scale.hessianUnit)
    var best: (gain: Double, place: Int)?
    for place in part.dropFirst() {
      let left = sum(part.lowerBound..<place)
      let right = sum(place..<part.upperBound)
      guard hessian(left) >= least, hessian(right) >= least else { continue }
      let gain = score(left) + score(right) - total
      if gain > (best?.gain ?? 0) { best = (gain, place) }
    }
    return best
  }

  /// The best cross of a pair's histogram: one cut of one feature and a cut of the other on each
  /// side. Returns its gain over one part, and what it adds by coarse bins.
  func cross(
    _ words: ArraySlice<Int64>, rows: Int, columns: Int
  ) -> (gain: Double, values: [[Double]]) {
    // Sums over the rectangle up to, and without, a row and column.
    var sums = [[Int64]](
      repeating: [Int64](repeating: 0, count: columns + 1), count: rows + 1)
    for row in 0..<rows {
      for column in 0..<columns {
        let word = words[words.startIndex + row * columns + column]
        sums[row + 1][column + 1] =
          sums[row][column + 1] &+ sums[row + 1][column] &- sums[row][column] &+ word
      }
    }
    func sum(_ r: Range<Int>, _ c: Range<Int>) -> Int64 {
      sums[r.upperBound][c.upperBound] &- sums[r.lowerBound][c.upperBound]
        &- sums[r.upperBound][c.lowerBound] &+ sums[r.lowerBound][c.lowerBound]
    }
    let total = score(sum(0..<rows, 0..<columns))
    var best = 0.0
    var parts: [(Range<Int>, Range<Int>)] = []
    for (outer, inner, isByRow) in [(rows, columns, true), (columns, rows, false)] {
      func area(_ a: Range<Int>, _ b: Range<Int>) -> Int64 { isByRow ? sum(a, b) : sum(b, a) }
      for cut in 1..<max(outer, 1) {
        var gain = -total
        var found: [(Range<Int>, Range<Int>)] = []
        for side in [0..<cut, cut..<outer] {
          let whole = area(side, 0..<inner)
          var place = inner
          var sideScore = score(whole)
          for candidate in 1..<max(inner, 1) {
            let value =
              score(area(side, 0..<candidate)) + score(area(side, candidate..<inner))
            if value > sideScore { (sideScore, place) = (value, candidate) }
          }
          gain += sideScore
          for other in [0..<place, place..<inner] where !other.isEmpty {
            found.append(isByRow ? (side, other) : (other, side))
          }
        }
        if gain > best { (best, parts) = (gain, found) }
      }
    }
    var values = [[Double]](repeating: [Double](repeating: 0, count: columns), count: rows)
    for (r, c) in parts {
      let word = sum(r, c)
      guard hessian(word) >= max(minimumWeight, scale.hessianUnit) else { continue }
      let value = value(word)
      for row in r { for column in c { values[row][column] = value } }
    }
    return (best, values)
  }
}
