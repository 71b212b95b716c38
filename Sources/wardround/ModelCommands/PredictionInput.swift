import Cohort
import SiteData

/// How a CSV for prediction is read: by the model's own features.
enum PredictionInput {
  static func description(
    _ path: String, features: [FeatureSpecification], identifier: String?
  ) -> DataDescription {
    var columns: [DataDescription.Column] = features.map { feature in
      switch feature.kind {
      case .number(let unit, _, _): .init(feature.column, type: .number, unit: unit)
      case .category: .init(feature.column, type: .category)
      case .flag: .init(feature.column, type: .flag)
      }
    }
    if let identifier, !columns.contains(where: { $0.name == identifier }) {
      columns.append(.init(identifier, type: .text))
    }
    return DataDescription(file: path, columns: columns)
  }
}
