import CanonicalBytes

/// Similar-case imputation: a missing number is the mean of the nearest donors' values, weighted by one
/// over their distance. Donors are training patients of the same site, and never leave it.
///
/// The distance of two rows is the root of the mean squared difference over the features that both have
/// recorded: of standardised values for numbers, 0 or 1 for flags and categories (Gower, Biometrics 1971,
/// with squared differences). Where a row is no site's own, as in a prediction from a model file, the
/// feature's `imputation`, its median, stands in: a model file holds no patients.
public struct SimilarCases: Sendable, Hashable, Codable {
  /// Positions of the numbers among the transform's features, ascending.
  public var features: [Int]
  /// How many donors a value is made of, 1 to 1000; fewer where there are not so many.
  public var neighbours: Int
  /// Fewest features that a donor and the row both have, at least 1.
  public var minimumShared: Int
  /// The most donors that are looked at for a feature; of more, every so-manieth in the order of the rows.
  /// The cost is missing values × donors × features.
  public var maximumDonors: Int

  public init(features: [Int], neighbours: Int, minimumShared: Int, maximumDonors: Int) {
    self.features = features
    self.neighbours = neighbours
    self.minimumShared = minimumShared
    self.maximumDonors = maximumDonors
  }

  func write(to writer: inout ByteWriter) {
    writer.array(features) { $0.integer(UInt32($1)) }
    writer.integer(UInt32(neighbours))
    writer.integer(UInt32(minimumShared))
    writer.integer(UInt32(maximumDonors))
  }

  init(from reader: inout ByteReader) throws(DecodingFault) {
    features = try reader.array(minimumBytes: 4) { (r: inout ByteReader) throws(DecodingFault) in
      Int(try r.integer(UInt32.self))
    }
    neighbours = Int(try reader.integer(UInt32.self))
    minimumShared = Int(try reader.integer(UInt32.self))
    maximumDonors = Int(try reader.integer(UInt32.self))
  }
}

/// The rows of a table as similar cases sees them.
struct CaseTable {
  let width: Int
  /// [rows × features]: standardised numbers, flags, numbers of categories' levels; not-a-number where
  /// missing.
  let values: [Double]
  /// Whether a feature's values are compared for equality only.
  let isWord: [Bool]
  let patients: [Int32]

  init(_ features: [TransformedFeature], columns: [CohortTable.Column], patients: [Int32]) {
    width = features.count
    self.patients = patients
    var values = [Double](repeating: .nan, count: patients.count * features.count)
    var isWord = [Bool](repeating: false, count: features.count)
    for (position, feature) in features.enumerated() {
      switch (feature, columns[position]) {
      case (.number(let number), .number(let column)):
        for row in patients.indices where !column[row].isNaN {
          values[row * width + position] = number.apply(column[row])
        }
      case (_, .flag(let column)):
        for row in patients.indices { values[row * width + position] = column[row] }
      case (_, .category(let codes, _)):
        isWord[position] = true
        for row in patients.indices where codes[row] != CohortTable.Column.missingCode {
          values[row * width + position] = Double(codes[row])
        }
      default: break
      }
    }
    self.values = values
    self.isWord = isWord
  }

  /// The mean square of the differences over the features that both rows have; nil when they share too few.
  func distance(_ left: Int, _ right: Int, minimumShared: Int) -> Double? {
    var sum = 0.0
    var shared = 0
    for position in 0..<width {
      let a = values[left * width + position]
      let b = values[right * width + position]
      guard !a.isNaN, !b.isNaN else { continue }
      shared += 1
      sum += isWord[position] ? (a == b ? 0 : 1) : (a - b) * (a - b)
    }
    return shared >= max(minimumShared, 1) ? sum / Double(shared) : nil
  }
}

extension SimilarCases {
  /// Fills the missing numbers of a design matrix of all of a table's rows.
  ///
  /// - Parameters:
  ///   - donors: rows whose recorded values may be lent; a patient's own rows lend nothing to it.
  ///   - firsts: the first column of every feature.
  func fill(
    _ design: inout [Double], width: Int, firsts: [Int], _ cases: CaseTable, donors: [Int]
  ) {
    for feature in features {
      let able = donors.filter { !cases.values[$0 * cases.width + feature].isNaN }
      let count = min(able.count, maximumDonors)
      let pool = (0..<count).map { able[$0 * able.count / count] }
      for row in cases.patients.indices where cases.values[row * cases.width + feature].isNaN {
        if let value = value(row, feature, cases, pool) {
          design[row * width + firsts[feature]] = value
        }
      }
    }
  }

  /// The weighted mean of the nearest donors; nil without any. Equal distances go to the earlier row, and
  /// donors at no distance at all share the value among themselves.
  private func value(_ row: Int, _ feature: Int, _ cases: CaseTable, _ pool: [Int]) -> Double? {
    var nearest: [(distance: Double, row: Int)] = []
    for donor in pool where cases.patients[donor] != cases.patients[row] {
      guard let distance = cases.distance(row, donor, minimumShared: minimumShared) else {
        continue
      }
      if nearest.count == neighbours, let last = nearest.last, distance >= last.distance {
        continue
      }
      var place = nearest.count
      while place > 0, nearest[place - 1].distance > distance { place -= 1 }
      nearest.insert((distance, donor), at: place)
      if nearest.count > neighbours { nearest.removeLast() }
    }
    guard let first = nearest.first else { return nil }
    var total = 0.0
    var weights = 0.0
    for donor in nearest where first.distance > 0 || donor.distance == 0 {
      let weight = first.distance > 0 ? 1 / donor.distance.squareRoot() : 1
      total += weight * cases.values[donor.row * cases.width + feature]
      weights += weight
    }
    return total / weights
  }
}
