import Foundation
import LinearModels
import PortableNumerics
import Testing

/// Four hospitals' real patients: complete cases of the UCI heart disease data with ten features,
/// chest pain and resting ECG as indicators (as in the FLamby benchmark), 13 columns in all.
///
/// Reads `$WARDROUND_DATA/uci_heart`, or `../shared/data/uci_heart` beside the repository; skipped
/// where neither is there.
@Suite struct HeartDiseaseTests {
  static let folder: String? = {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let data =
      ProcessInfo.processInfo.environment["WARDROUND_DATA"]
      ?? root.deletingLastPathComponent().appendingPathComponent("shared/data").path
    let folder = data + "/uci_heart"
    return FileManager.default.fileExists(atPath: folder) ? folder : nil
  }()

  /// All hospitals' rows, one after the other, and the number of rows of each.
  func load(_ folder: String) throws -> (design: Matrix, outcome: [UInt8], counts: [Int]) {
    var rows: [[Double]] = []
    var outcome: [UInt8] = []
    var counts: [Int] = []
    for hospital in ["cleveland", "hungarian", "switzerland", "va"] {
      let text = try String(
        contentsOfFile: "\(folder)/processed.\(hospital).data", encoding: .utf8)
      var count = 0
      for line in text.split(separator: "\n") {
        let fields = line.split(separator: ",")
        let values = (Array(0..<10) + [13]).compactMap { Double(fields[$0]) }
        guard values.count == 11 else { continue }
        var row = [0, 1, 3, 4, 5, 7, 8, 9].map { values[$0] }
        row += [2, 3, 4].map { values[2] == $0 ? 1 : 0 }
        row += [1, 2].map { values[6] == $0 ? 1 : 0 }
        rows.append(row)
        outcome.append(values[10] > 0 ? 1 : 0)
        count += 1
      }
      counts.append(count)
    }
    return (try Matrix(rows), outcome, counts)
  }

  func scaling(_ design: Matrix) throws -> FeatureScaling {
    let n = Double(design.rows)
    let means = (0..<design.columns).map { design.column($0).reduce(0, +) / n }
    let deviations = (0..<design.columns).map { j in
      (design.column(j).reduce(0) { $0 + ($1 - means[j]) * ($1 - means[j]) } / n).squareRoot()
    }
    return try FeatureScaling(means: means, standardDeviations: deviations)
  }

  /// scikit-learn 1.9.1: `LogisticRegression(C=1/λ, solver="newton-cholesky", tol=1e-13)` on the
  /// standardised columns (numpy mean and std over the 740 rows).
  static let expected: [(Double, [Double])] = [
    (
      0,
      [
        0.13828778477369738, 0.20053834818013264, 0.5511439371622602, 0.11446368510084627,
        -0.1817384947109181, 0.18803260411311484, -0.36182959782836976, 0.4938764809266581,
        0.6828582092789843, -0.1683767442120805, -0.006015937054124037, 0.7145223118380004,
        -0.028827342969065535, 0.10879744123744785,
      ]
    ),
    (
      1,
      [
        0.13621043201319136, 0.1997639658298262, 0.5436566513975868, 0.11232834215041765,
        -0.17955326075254008, 0.18564435633930934, -0.3597829890613894, 0.4929368800530351,
        0.6712057845518741, -0.18764965608219414, -0.02545554085427489, 0.6864310392626878,
        -0.026505040222834803, 0.10634745475262453,
      ]
    ),
  ]

  @Test(.enabled(if: folder != nil, "the UCI heart disease data is not there"), arguments: expected)
  func fourHospitalsEqualScikitLearn(ridge: Double, beta: [Double]) throws {
    let data = try load(try #require(Self.folder))
    #expect(data.counts == [303, 261, 46, 130])
    let scaling = try scaling(data.design)
    let design = try scaling.standardised(data.design)
    let newton = try LogisticNewton(featureCount: 13, ridge: ridge)
    var sites: [[Int]] = []
    for count in data.counts {
      let start = sites.reduce(0) { $0 + $1.count }
      sites.append(Array(start..<(start + count)))
    }
    let federated = try fit(newton, design: design, outcome: data.outcome, sites: sites)
    let pooled = try fit(newton, design: design, outcome: data.outcome, sites: [Array(0..<740)])
    #expect(federated == pooled)
    #expect(federated.status == .converged)
    #expect(federated.eventCount == 383)
    for j in 0...13 { #expect((federated.beta[j] - beta[j]).magnitude < 1e-7) }

    guard ridge == 0 else { return }
    // Per unit of the original features; numpy, inverse information on the raw columns.
    let original = try scaling.originalCoefficients(
      beta: federated.beta, covariance: federated.covariance)
    #expect((original.estimates[0] + 2.1978328414035775).magnitude < 1e-6)
    #expect((original.estimates[1] - 0.021329855673738445).magnitude < 1e-8)
    #expect((original.estimates[2] - 1.2996126031954136).magnitude < 1e-6)
    #expect((original.standardErrors[0] - 1.356411904516309).magnitude < 1e-5)
    #expect((original.standardErrors[1] - 0.012617694806038885).magnitude < 1e-7)
    #expect((original.standardErrors[13] - 0.25343584486057674).magnitude < 1e-6)
  }

  @Test func scalingOfAFeatureWithoutSpread() throws {
    let scaling = try FeatureScaling(means: [2, 5], standardDeviations: [0, 2])
    let design = try scaling.standardised(Matrix([[2, 9], [3, 1]]))
    #expect(design.storage == [0, 2, 0, -2])
    let original = try scaling.originalCoefficients(
      beta: [1, 0.3, 4], covariance: [1, 0, 0, 1, 0, 1])
    #expect(original.estimates == [1 - 10, 0, 2])
    #expect(original.standardErrors == [(1 + 6.25 as Double).squareRoot(), 0, 0.5])
    #expect(throws: LinearModelError(.shapeMismatch)) {
      _ = try scaling.originalCoefficients(beta: [1, 2], covariance: [])
    }
    #expect(throws: LinearModelError(.invalidSettings, index: 1)) {
      _ = try FeatureScaling(means: [0, 0], standardDeviations: [1, -1])
    }
  }
}
