import Foundation
import Study
import Testing

/// What a script of `Oracles/` prints: a study's Newton model by scikit-learn, from the raw files.
struct NewtonOracle: Decodable {
  var columns: [String]
  var intercept: Double
  var coefficients: [Double]
  var trainingCount: Int
  var trainingEventCount: Int
  var holdoutCount: Int
  var auroc: [String: Double]

  init(_ script: String, _ folder: String) throws {
    let path = repositoryRoot.appending(path: "Tests/StudyTests/Oracles/\(script)").path
    let (status, output) = try Python.run([path, folder])
    #expect(status == 0)
    self = try JSONDecoder().decode(Self.self, from: output)
  }

  /// The same patients, columns and areas, and coefficients to 1e-6.
  func expectEqual(_ result: StudyResult) {
    let model = result.models[0]
    #expect(result.totals.trainingCount == trainingCount)
    #expect(result.totals.trainingEventCount == trainingEventCount)
    #expect(result.totals.holdoutCount == holdoutCount)
    #expect(model.columns == columns)
    for (index, pair) in zip(model.coefficients, [intercept] + coefficients).enumerated() {
      #expect(abs(pair.0 - pair.1) < 1e-6, "coefficient \(index)")
    }
    for (site, auroc) in auroc {
      let found = result.performance[0].sites[site]?.discrimination?.value
      #expect(abs((found ?? 0) - auroc) < 1e-6, "\(site)")
    }
  }
}
