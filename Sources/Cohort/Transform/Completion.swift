import CanonicalBytes

/// How missing numbers are filled where a single value for everybody is not enough; a part of the frozen
/// transform.
///
/// Every number is first filled with its feature's `imputation`. Then similar cases of the same site stand
/// in where there are donors, and after them the equations. Columns that tell that a value was missing
/// stay as they are.
public struct Completion: Sendable, Hashable, Codable {
  /// Numbers filled from similar patients of the same site; nil for none.
  public var similarCases: SimilarCases?
  /// Numbers predicted from all other columns; nil for none.
  public var equations: ChainedEquations?

  public init(similarCases: SimilarCases? = nil, equations: ChainedEquations? = nil) {
    self.similarCases = similarCases
    self.equations = equations
  }

  /// Whether nothing is filled this way.
  public var isEmpty: Bool { similarCases == nil && equations == nil }

  /// Throws `badSpecification` unless the parts fit the transform's features and columns.
  func validate(_ features: [TransformedFeature], _ layout: ColumnLayout) throws(CohortError) {
    func checkNumbers(_ positions: [Int]) throws(CohortError) {
      guard !positions.isEmpty, zip(positions, positions.dropFirst()).allSatisfy({ $0 < $1 }),
        positions.allSatisfy({ position in
          guard features.indices.contains(position), case .number = features[position] else {
            return false
          }
          return true
        })
      else {
        throw CohortError(.badSpecification, detail: "what is completed must be numbers, in order")
      }
    }
    if let similarCases {
      try checkNumbers(similarCases.features)
      guard (1...1000).contains(similarCases.neighbours),
        (1...4096).contains(similarCases.minimumShared),
        (1...1_000_000).contains(similarCases.maximumDonors)
      else { throw CohortError(.badSpecification, detail: "similar cases: a setting out of range") }
    }
    if let equations {
      try checkNumbers(equations.targets.map(\.feature))
      try equations.validate(predictorCount: layout.values.count)
    }
    let both = Set(similarCases?.features ?? []).intersection(
      equations?.targets.map(\.feature) ?? [])
    guard both.isEmpty else {
      throw CohortError(.badSpecification, detail: "a number is completed in two ways")
    }
  }

  func write(to writer: inout ByteWriter) {
    writer.optional(similarCases) { $1.write(to: &$0) }
    writer.optional(equations) { $1.write(to: &$0) }
  }

  init(from reader: inout ByteReader) throws(DecodingFault) {
    similarCases = try reader.optional { (inner: inout ByteReader) throws(DecodingFault) in
      try SimilarCases(from: &inner)
    }
    equations = try reader.optional { (inner: inout ByteReader) throws(DecodingFault) in
      try ChainedEquations(from: &inner)
    }
  }
}

/// Which columns of a design matrix hold values rather than tell that one was missing.
struct ColumnLayout: Sendable, Hashable {
  /// First column of every feature.
  var firsts: [Int] = []
  /// Columns with values: everything but the indicators of missing numbers and flags.
  var values: [Int] = []

  init(_ features: [TransformedFeature]) {
    var next = 0
    for feature in features {
      firsts.append(next)
      for column in feature.designColumns {
        if column.role != .missing { values.append(next) }
        next += 1
      }
    }
  }
}
