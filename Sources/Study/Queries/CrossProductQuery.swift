import CanonicalBytes
import Cohort

extension SumQuery {
  /// Sums of products of all columns over training rows: for every target, over those in which it is
  /// recorded. One cycle of chained equations, or a comparison of all columns with each other.
  public struct CrossProductQuery: Sendable, Hashable {
    /// Completes the rows with the cycles before.
    public var transform: FrozenTransform
    /// Positions of the targets among the transform's features; nil for all training rows.
    public var targets: [Int?]
    /// The sites of the first sum of products, where this is not it: of columns without gaps the same
    /// products are asked again.
    public var companions: [String] = []

    // The companions are a function of what was published before.
    public static func == (left: Self, right: Self) -> Bool {
      left.transform == right.transform && left.targets == right.targets
    }

    public func hash(into hasher: inout Hasher) {
      hasher.combine(transform)
      hasher.combine(targets)
    }

    /// The largest answer, in numbers.
    static let maximumLength = 1 << 20

    /// Number of integers of the answer.
    public var length: Int { targets.count * ChainedEquations.sumCount(transform) }

    func write(to writer: inout ByteWriter) {
      transform.write(to: &writer)
      writer.array(targets) { $0.optional($1) { $0.integer(UInt32($1)) } }
    }
  }
}

extension LocalAnswers {
  /// Sums over this site's training rows.
  mutating func crossProducts(_ query: SumQuery.CrossProductQuery) throws -> [Int64] {
    let design = try prepare(query.transform)
    let training = cohort.rowIndices(.training)
    var answer: [Int64] = []
    for target in query.targets {
      guard let target else {
        answer += ChainedEquations.sums(query.transform, design, rows: training)
        continue
      }
      guard query.transform.features.indices.contains(target),
        let feature = cohort.features.firstIndex(where: {
          $0.name == query.transform.features[target].name
        })
      else { throw StudyError(.malformedAnswer, "the query names a feature that is not there") }
      let rows = training.filter { !cohort.columns[feature].isMissing($0) }
      answer += ChainedEquations.sums(query.transform, design, rows: rows)
    }
    return answer
  }
}
