import CanonicalBytes
import Foundation
import PortableNumerics
import Testing

@testable import Cohort

/// Missing numbers filled by equations and by similar patients.
@Suite struct CompletionTests {
  private static let features = [
    FeatureSpecification("a", kind: .number(unit: nil, hardRange: nil, resolution: nil)),
    FeatureSpecification("b", kind: .number(unit: nil, hardRange: nil, resolution: nil)),
    FeatureSpecification("c", kind: .number(unit: nil, hardRange: nil, resolution: nil)),
    FeatureSpecification("ward", kind: .category(levels: ["x", "y"])),
    FeatureSpecification("flag", kind: .flag),
  ]

  private static func transform(_ completion: Completion? = nil) throws -> FrozenTransform {
    func number(_ name: String, _ center: Double, _ scale: Double) -> TransformedFeature {
      .number(
        .init(
          name: name, imputation: center + 0.1, center: center, scale: scale,
          hasMissingIndicator: name != "c"))
    }
    return try FrozenTransform(
      [
        number("a", 0, 1), number("b", 10, 4), number("c", -3, 0.5),
        .category(
          .init(
            name: "ward", levels: ["x", "y"], reference: "x", hasOther: false,
            hasMissingLevel: true)),
        .flag(.init(name: "flag", imputation: 0, hasMissingIndicator: true)),
      ], completion: completion)
  }

  /// Correlated numbers with gaps, one row per patient, every fourth held out.
  private static func table(_ rows: Int, seed: UInt64, noise: Double = 0.3) throws -> CohortTable {
    var generator = SplitMix64(seed: seed)
    var columns: [[Double]] = [[], [], []]
    var wards: [Int32] = []
    var flags: [Double] = []
    for _ in 0..<rows {
      let base = 4 * generator.uniformDouble() - 2
      func error() -> Double { noise * (2 * generator.uniformDouble() - 1) }
      let values = [base + error(), 10 + 4 * (0.5 * base + error()), -3 + 0.5 * (error() - base)]
      for (index, value) in values.enumerated() {
        columns[index].append(generator.uniformDouble() < 0.25 ? .nan : value)
      }
      wards.append(generator.uniformDouble() < 0.1 ? -1 : base > 0 ? 1 : 0)
      flags.append(generator.uniformDouble() < 0.1 ? .nan : base > 0.5 ? 1 : 0)
    }
    return try CohortTable(
      features: features,
      columns: columns.map { .number($0) } + [.category(wards, levels: ["x", "y"]), .flag(flags)],
      outcome: (0..<rows).map { UInt8($0 % 2) }, isHoldout: (0..<rows).map { $0 % 4 == 0 })
  }

  private static let targets = [0, 1, 2].map {
    ChainedEquations.Target(feature: $0, low: -3, high: 3)
  }

  private static func sums(
    _ transform: FrozenTransform, _ table: CohortTable, _ target: Int
  ) throws -> [Int64] {
    let design = try transform.apply(to: table, donors: [])
    let matrix = try Matrix(
      rows: design.rowCount, columns: design.columnCount, storage: design.values)
    return ChainedEquations.sums(
      transform, matrix,
      rows: table.rowIndices(.training).filter { !table.columns[target].isMissing($0) })
  }

  /// The equations of some cycles, from the sums over all tables.
  private static func equations(
    _ tables: [CohortTable], cycles: Int, ridge: Double = 1
  ) throws -> ChainedEquations {
    var equations = ChainedEquations(targets: targets)
    for _ in 0..<cycles {
      let transform = try transform(Completion(equations: equations))
      var cycle: [[Double]] = []
      for target in targets {
        var total = [Int64](repeating: 0, count: ChainedEquations.sumCount(transform))
        for table in tables {
          for (place, value) in try sums(transform, table, target.feature).enumerated() {
            total[place] += value
          }
        }
        #expect(ChainedEquations.arePossible(total, transform))
        cycle.append(
          try #require(
            ChainedEquations.equation(total, of: target.feature, transform, ridge: ridge)))
      }
      equations.cycles.append(cycle)
    }
    return equations
  }

  /// Sites' sums of products give the equations of the pooled rows, bit for bit.
  @Test(arguments: [2, 3, 7]) func federatedEquationsAreThePooledOnes(parts: Int) throws {
    let table = try Self.table(300, seed: 5)
    let pooled = try Self.equations([table], cycles: 4)
    let split = try (0..<parts).map { part in
      try table.selecting((0..<table.rowCount).filter { $0 % parts == part })
    }
    let federated = try Self.equations(split, cycles: 4)
    #expect(federated == pooled)
    #expect(
      federated.cycles.flatMap { $0 }.flatMap { $0 }.map(\.bitPattern)
        == pooled.cycles.flatMap { $0 }.flatMap { $0 }.map(\.bitPattern))
    #expect(pooled.cycles[0] != pooled.cycles[3])
  }

  /// A naive chained imputation on all rows, with real sums and Gaussian elimination, fills the same values
  /// to within the rounding of the entries.
  @Test func theEquationsAreThoseOfANaiveImputation() throws {
    let table = try Self.table(240, seed: 9)
    let equations = try Self.equations([table], cycles: 3)
    let filled = try Self.transform(Completion(equations: equations)).apply(to: table)
    let plain = try Self.transform().apply(to: table)
    let layout = [0, 2, 4, 5, 7]  // a, b, c, ward = y, flag
    var x = (0..<table.rowCount).map { row in layout.map { plain[row, $0] } }
    for _ in 0..<3 {
      var next = x
      for target in 0..<3 {
        let rows = table.rowIndices(.training).filter { !table.columns[target].isMissing($0) }
        var normal = [[Double]](repeating: [Double](repeating: 0, count: 6), count: 5)
        let others = [0, 1, 2, 3, 4].filter { $0 != target }
        for row in rows {
          let u = [1.0] + others.map { x[row][$0] }
          for i in 0..<5 {
            for j in 0..<5 { normal[i][j] += u[i] * u[j] }
            normal[i][5] += u[i] * x[row][target]
          }
        }
        for i in 1..<5 { normal[i][i] += 1 }
        for pivot in 0..<5 {
          for row in 0..<5 where row != pivot {
            let factor = normal[row][pivot] / normal[pivot][pivot]
            for column in 0..<6 { normal[row][column] -= factor * normal[pivot][column] }
          }
        }
        let beta = (0..<5).map { normal[$0][5] / normal[$0][$0] }
        for row in 0..<table.rowCount where table.columns[target].isMissing(row) {
          let value = beta[0] + zip(beta.dropFirst(), others).reduce(0) { $0 + $1.0 * x[row][$1.1] }
          next[row][target] = min(max(value, -3), 3)
        }
      }
      x = next
    }
    var largest = 0.0
    for row in 0..<table.rowCount {
      for (position, column) in layout.enumerated() {
        largest = max(largest, abs(filled[row, column] - x[row][position]))
      }
    }
    #expect(largest < 1e-3)
  }

  /// What is filled is nearer to the truth than the median is, gaps keep their indicators, and recorded
  /// values stay.
  @Test func equationsFindWhatTheOtherColumnsSay() throws {
    let table = try Self.table(600, seed: 2, noise: 0.05)
    let transform = try Self.transform(
      Completion(equations: Self.equations([table], cycles: 5)))
    let filled = try transform.apply(to: table)
    let plain = try Self.transform().apply(to: table)
    var errors = (equations: 0.0, median: 0.0)
    for row in 0..<table.rowCount {
      for column in 0..<plain.columnCount where ![0, 2, 4].contains(column) {
        #expect(filled[row, column] == plain[row, column])
      }
      guard plain[row, 1] == 1, !table.columns[1].isMissing(row) else {
        if plain[row, 1] == 0 { #expect(filled[row, 0] == plain[row, 0]) }
        continue
      }
      // b is half of a, up to its noise.
      let truth = 2 * plain[row, 2]
      errors.equations += abs(filled[row, 0] - truth)
      errors.median += abs(plain[row, 0] - truth)
    }
    #expect(errors.equations < 0.3 * errors.median)
  }

  @Test func impossibleSumsAreFound() throws {
    let transform = try Self.transform()
    let sums = try Self.sums(transform, Self.table(60, seed: 1), 0)
    #expect(ChainedEquations.arePossible(sums, transform))
    for (place, value) in [(0, Int64(-1) << 24), (0, 3), (1, .max), (6, -1), (2, .min)] {
      var changed = sums
      changed[place] = value
      #expect(!ChainedEquations.arePossible(changed, transform), "\(place)")
    }
    #expect(!ChainedEquations.arePossible([], transform))
    let nobody = [Int64](repeating: 0, count: sums.count)
    #expect(ChainedEquations.equation(nobody, of: 0, transform, ridge: 1) == nil)
    #expect(ChainedEquations.equation([1, 2], of: 0, transform, ridge: 1) == nil)
    #expect(ChainedEquations.equation(sums, of: 99, transform, ridge: 1) == nil)
  }

  // MARK: Similar cases

  private static let similar = SimilarCases(
    features: [0, 2], neighbours: 3, minimumShared: 2, maximumDonors: 1000)

  /// Every filled value is that of a search written down as the definition says.
  @Test(arguments: [UInt64(3), 4]) func theNearestDonorsOfADefinitionInWords(seed: UInt64) throws {
    let table = try Self.table(80, seed: seed)
    let transform = try Self.transform(Completion(similarCases: Self.similar))
    let donors = table.rowIndices(.training)
    let filled = try transform.apply(to: table, donors: donors)
    let plain = try Self.transform().apply(to: table)
    func cell(_ row: Int, _ feature: Int) -> Double? {
      switch table.columns[feature] {
      case .number(let values):
        values[row].isNaN ? nil : plain[row, [0, 2, 4][feature]]
      case .flag(let values): values[row].isNaN ? nil : values[row]
      case .category(let codes, _): codes[row] < 0 ? nil : Double(codes[row])
      }
    }
    var filledCount = 0
    for (feature, column) in [(0, 0), (2, 4)] {
      for row in 0..<table.rowCount {
        guard cell(row, feature) == nil else {
          #expect(filled[row, column] == plain[row, column])
          continue
        }
        let ranked = donors.compactMap { donor -> (Double, Int, Double)? in
          guard donor != row, let value = cell(donor, feature) else { return nil }
          let squares = (0..<5).compactMap { other -> Double? in
            guard let a = cell(row, other), let b = cell(donor, other) else { return nil }
            return other == 3 ? (a == b ? 0 : 1) : (a - b) * (a - b)
          }
          guard squares.count >= 2 else { return nil }
          return (squares.reduce(0, +) / Double(squares.count), donor, value)
        }.sorted { ($0.0, $0.1) < ($1.0, $1.1) }.prefix(3)
        guard !ranked.isEmpty else {
          #expect(filled[row, column] == plain[row, column])
          continue
        }
        // Donors at no distance share the value among themselves.
        let same = ranked.filter { $0.0 == 0 }
        let lenders = same.isEmpty ? Array(ranked) : same
        let weights = lenders.map { same.isEmpty ? 1 / $0.0.squareRoot() : 1 }
        let expected =
          zip(lenders, weights).reduce(0) { $0 + $1.0.2 * $1.1 } / weights.reduce(0, +)
        #expect(abs(filled[row, column] - expected) < 1e-12, "row \(row)")
        filledCount += 1
      }
    }
    #expect(filledCount > 20)
    // The other number, and all else, has its median.
    #expect((0..<80).allSatisfy { filled[$0, 2] == plain[$0, 2] })
  }

  @Test func donorsAreOthersOfTheSameSiteAndTiesGoToTheEarlierRow() throws {
    func table(_ values: [Double], patients: [Int32]) throws -> CohortTable {
      try CohortTable(
        features: [Self.features[0], Self.features[4]],
        columns: [.number(values), .flag([0, 0, 0, 1, 0])], outcome: [0, 0, 0, 0, 0],
        isHoldout: [false, false, false, false, true], patients: patients)
    }
    let transform = try FrozenTransform(
      [
        .number(
          .init(name: "a", imputation: 9, center: 0, scale: 1, hasMissingIndicator: true)),
        .flag(.init(name: "flag", imputation: 0, hasMissingIndicator: false)),
      ],
      completion: Completion(
        similarCases: SimilarCases(
          features: [0], neighbours: 1, minimumShared: 1, maximumDonors: 10)))
    let rows = try table([.nan, 2, 4, 6, 8], patients: [0, 1, 2, 3, 4])
    #expect(try transform.apply(to: rows, donors: [1, 2, 3])[0, 0] == 2)
    #expect(try transform.apply(to: rows, donors: [3, 2])[0, 0] == 4)
    // Without donors, as in a prediction from a model file, and of the patient's own rows: the median.
    #expect(try transform.apply(to: rows)[0, 0] == 9)
    #expect(try transform.apply(to: rows, donors: [])[0, 0] == 9)
    let own = try table([.nan, 2, 4, 6, 8], patients: [1, 1, 1, 1, 4])
    #expect(try transform.apply(to: own, donors: [1, 2, 3])[0, 0] == 9)
    #expect(try transform.apply(to: rows, donors: [1, 2, 3])[0, 1] == 1)
  }

  // MARK: Bytes

  @Test func aTransformWithACompletionReadsBackAndDamageIsRefused() throws {
    var completion = Completion(similarCases: Self.similar)
    completion.similarCases?.features = [2]
    var equations = try Self.equations([Self.table(200, seed: 5)], cycles: 2)
    equations.targets.removeLast()
    for cycle in equations.cycles.indices { equations.cycles[cycle].removeLast() }
    completion.equations = equations
    let transform = try Self.transform(completion)
    var writer = ByteWriter()
    transform.write(to: &writer)
    var reader = ByteReader(writer.bytes)
    #expect(try FrozenTransform(from: &reader) == transform)
    try reader.finish()
    let json = try JSONEncoder().encode(transform)
    #expect(try JSONDecoder().decode(FrozenTransform.self, from: json) == transform)
    #expect(try transform.digest != Self.transform().digest)
    for length in stride(from: 1, to: writer.bytes.count, by: 7) {
      var cut = ByteReader(Array(writer.bytes.prefix(length)))
      #expect(throws: DecodingFault.self) { try FrozenTransform(from: &cut) }
    }
    // The bytes of a transform without one are what they were.
    var plain = ByteWriter()
    try Self.transform().write(to: &plain)
    #expect(plain.bytes.first == 1 && writer.bytes.first == 2)

    var wrong = completion
    wrong.similarCases?.features = [0]
    #expect(throws: CohortError.self) { try Self.transform(wrong) }
    wrong = completion
    wrong.similarCases?.features = [3]
    #expect(throws: CohortError.self) { try Self.transform(wrong) }
    wrong = completion
    wrong.equations?.cycles[0][0].append(1)
    #expect(throws: CohortError.self) { try Self.transform(wrong) }
    wrong = completion
    wrong.equations?.cycles[0][0][0] = .nan
    #expect(throws: CohortError.self) { try Self.transform(wrong) }
  }
}
