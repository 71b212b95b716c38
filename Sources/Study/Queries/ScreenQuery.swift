import CanonicalBytes
import Cohort

extension SumQuery {
  /// Every feature's bins, in which training patients with and without the outcome are counted.
  public struct ScreenQuery: Sendable, Hashable {
    public var features: [Feature]

    /// One feature of the plan.
    public struct Feature: Sendable, Hashable {
      /// Position in the plan's features.
      public var feature: Int
      public var bins: Bins
    }

    public enum Bins: Sendable, Hashable {
      /// Ascending cuts of a number; a value on a cut belongs above it.
      case cuts([Double])
      /// Levels of a category, and a bin for other words.
      case levels([String])
      /// No and yes.
      case flag

      /// Bins of recorded values; missing ones have one more.
      public var count: Int {
        switch self {
        case .cuts(let cuts): cuts.count + 1
        case .levels(let levels): levels.count + 1
        case .flag: 2
        }
      }
    }

    /// Number of integers of the counts: without and with the outcome, by bin, missing values last.
    var length: Int { features.reduce(0) { $0 + 2 * ($1.bins.count + 1) } }

    func write(to writer: inout ByteWriter) {
      writer.array(features) {
        $0.integer(UInt32($1.feature))
        switch $1.bins {
        case .cuts(let cuts):
          $0.integer(UInt8(0))
          $0.array(cuts) { $0.double($1) }
        case .levels(let levels):
          $0.integer(UInt8(1))
          $0.array(levels) { $0.string($1) }
        case .flag: $0.integer(UInt8(2))
        }
      }
    }
  }
}

/// Counts of one feature by bin and outcome.
struct ScreenCounts: Sendable, Hashable {
  /// Training patients without and with the outcome, by bin of recorded values.
  var without: [Int]
  var with: [Int]
  var missingWithout: Int
  var missingWith: Int

  /// From a slice of an answer, in its order.
  init(_ values: some RandomAccessCollection<Int>) {
    let values = Array(values)
    let bins = values.count / 2 - 1
    without = (0..<bins).map { values[2 * $0] }
    with = (0..<bins).map { values[2 * $0 + 1] }
    missingWithout = values[2 * bins]
    missingWith = values[2 * bins + 1]
  }

  var presentCount: Int { without.reduce(0, +) + with.reduce(0, +) }

  /// Share of the recorded values outside the most frequent bin; 0 without any.
  var differingShare: Double {
    let most = zip(without, with).map { $0 + $1 }.max() ?? 0
    return presentCount > 0 ? Double(presentCount - most) / Double(presentCount) : 0
  }

  /// The AUROC of the bins in their order, ties half, over recorded values; nil where one class is absent.
  var auroc: Double? {
    let positives = with.reduce(0, +)
    let negatives = without.reduce(0, +)
    guard positives > 0, negatives > 0 else { return nil }
    // Twice the pairs won, as a whole number: 2 · 2⁵² patients fit.
    var doubled = 0.0
    var below = 0
    for (n, p) in zip(without, with) {
      doubled += Double(p) * Double(2 * below + n)
      below += n
    }
    return doubled / (2 * Double(positives) * Double(negatives))
  }

  /// The standard error of ``auroc`` if the outcome had nothing to do with the values: over all ways of giving
  /// it to as many patients, with t of them in a bin,
  /// √((N + 1 − Σ(t³ − t) / (N (N − 1))) / 12mn). 0 where a class is absent.
  var standardErrorWithoutRelation: Double {
    let m = Double(with.reduce(0, +))
    let n = Double(without.reduce(0, +))
    guard m > 0, n > 0 else { return 0 }
    let all = m + n
    let ties = zip(without, with).reduce(0.0) { sum, bin in
      let t = Double(bin.0 + bin.1)
      return sum + t * (t * t - 1)
    }
    return (max(0, all + 1 - ties / (all * (all - 1))) / (12 * m * n)).squareRoot()
  }

  /// The bins in the order of their risk, the lowest first; empty bins first of all.
  func byRisk() -> ScreenCounts {
    var copy = self
    let order = without.indices.sorted { left, right in
      let isEmpty = (without[left] + with[left] == 0, without[right] + with[right] == 0)
      guard isEmpty == (false, false) else {
        return isEmpty.0 != isEmpty.1 ? isEmpty.0 : left < right
      }
      let a = with[left] * (without[right] + with[right])
      let b = with[right] * (without[left] + with[left])
      return a != b ? a < b : left < right
    }
    copy.without = order.map { without[$0] }
    copy.with = order.map { with[$0] }
    return copy
  }

  /// Likelihood-ratio statistic 2 Σ O log(O/E) of bins, missing values one of them, against the outcome, and
  /// its degrees of freedom: non-empty bins less one.
  func likelihoodRatio(log: (Double) -> Double) -> (statistic: Double, freedom: Int) {
    let cells = zip(without, with).map { ($0, $1) } + [(missingWithout, missingWith)]
    let totals = (cells.reduce(0) { $0 + $1.0 }, cells.reduce(0) { $0 + $1.1 })
    let all = Double(totals.0 + totals.1)
    guard totals.0 > 0, totals.1 > 0 else { return (0, 0) }
    var statistic = 0.0
    var bins = 0
    for (n, p) in cells where n + p > 0 {
      bins += 1
      for (count, total) in [(n, totals.0), (p, totals.1)] where count > 0 {
        let expected = Double(n + p) * Double(total) / all
        statistic += 2 * Double(count) * log(Double(count) / expected)
      }
    }
    return (max(0, statistic), max(0, bins - 1))
  }
}

extension LocalAnswers {
  /// This site's training patients by bin and outcome.
  func screenCounts(_ query: SumQuery.ScreenQuery) throws -> [Int64] {
    let training = cohort.rowIndices(.training)
    var answer: [Int64] = []
    for request in query.features {
      guard cohort.columns.indices.contains(request.feature) else {
        throw StudyError(.malformedAnswer, "the query names a feature that is not there")
      }
      let bin = try bins(request)
      var counts = [Int64](repeating: 0, count: 2 * (request.bins.count + 1))
      for row in training {
        counts[2 * (bin(row) ?? request.bins.count) + (cohort.outcome[row] == 1 ? 1 : 0)] += 1
      }
      answer += counts
    }
    return answer
  }

  /// The bin of a row's value; nil where it is missing.
  private func bins(
    _ request: SumQuery.ScreenQuery.Feature
  ) throws -> (Int) -> Int? {
    switch (request.bins, cohort.columns[request.feature]) {
    case (.cuts(let cuts), .number(let values)):
      return { row in
        values[row].isNaN ? nil : cuts.firstIndex { $0 > values[row] } ?? cuts.count
      }
    case (.levels(let levels), .category):
      let codes = cohort.codes(request.feature, in: levels)
      return { row in
        switch codes[row] {
        case CohortTable.Column.missingCode: nil
        case let code where code >= 0: Int(code)
        default: levels.count
        }
      }
    case (.flag, .flag(let values)):
      return { row in values[row].isNaN ? nil : values[row] == 1 ? 1 : 0 }
    default: throw StudyError(.malformedAnswer, "the query's bins are not those of the feature")
    }
  }

  /// Which way each feature points at this site: 1 in the first place of a pair where its higher values
  /// have more of the outcome, in the second where they have less, in neither where the site cannot tell or
  /// it is a category.
  ///
  /// A site can tell when both classes have as many patients as the smallest cell and its AUROC differs
  /// from ½ by more than 1.96 standard errors of one without any relation (Mann and Whitney, Ann Math Stat 1947, with
  /// ties). Else the few patients of a small site would vote by chance, and with few
  /// sites one such vote against would leave a useful feature out.
  func directions(_ query: SumQuery.ScreenQuery) throws -> [Int64] {
    let counts = try screenCounts(query).map { Int($0) }
    var start = 0
    var answer: [Int64] = []
    for request in query.features {
      let end = start + 2 * (request.bins.count + 1)
      let own = ScreenCounts(counts[start..<end])
      start = end
      let cell = max(plan.privacy.minimumCell, 1)
      let isTold =
        own.without.reduce(0, +) >= cell && own.with.reduce(0, +) >= cell
      var auroc = isTold ? own.auroc ?? 0.5 : 0.5
      if case .levels = request.bins { auroc = 0.5 }
      if isTold, (auroc - 0.5).magnitude <= 1.96 * own.standardErrorWithoutRelation { auroc = 0.5 }
      answer += [auroc > 0.5 ? 1 : 0, auroc < 0.5 ? 1 : 0]
    }
    return answer
  }
}
