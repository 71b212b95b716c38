import ArgumentParser
import Foundation
import Reports
import Study

/// `wardround model export`
struct ModelExport: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write a model file as XGBoost JSON or ONNX.",
    discussion: """
      Columns are in the order of the model file's features: numbers in the study's units, flags 0 or \
      1, a category as the index of its level, missing as NaN. An explainable boosting machine becomes \
      one tree for each of its shapes. A logistic model becomes an ONNX file over its prepared columns.
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable {
    case xgboost
    case onnx
  }

  @Argument(help: "The model file.")
  var model: String
  @Option(help: "xgboost or onnx.")
  var format: Format
  @Option(help: "The file to write.")
  var out: String

  func run() async throws {
    try await CommandFailure.reporting {
      let bytes = try Self.bytes(ModelInput.read(model), as: format)
      try Data(bytes).write(to: URL(filePath: out))
    }
  }

  static func bytes(_ file: AnyModelFile, as format: Format) throws -> [UInt8] {
    switch file {
    case .linear(let linear):
      guard format == .onnx, let intercept = linear.coefficients.first else {
        throw ValidationError("a logistic model has no XGBoost form; use --format onnx")
      }
      return ONNXFile.logistic(
        intercept: intercept, coefficients: Array(linear.coefficients.dropFirst()))
    case .trees(let trees):
      let ensemble =
        switch trees.content.content {
        case .ensemble(let ensemble): ensemble
        case .additive(let additive): additive.ensemble
        }
      return format == .xgboost ? XGBoostFile.bytes(of: ensemble) : ONNXFile.bytes(of: ensemble)
    }
  }
}
