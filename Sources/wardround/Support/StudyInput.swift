import ArgumentParser
import Cohort
import Foundation
import SiteData
import StrictYAML
import Study

/// A study folder (`study.yaml`, and `data.yaml` where the files need describing) over a folder with
/// one file per site, or over one file with a column that names the site.
struct StudyInput {
  let text: String
  let plan: StudyPlan
  /// The `data.yaml` beside the study, if there is one.
  private let description: String?
  /// The `records.yaml` beside the study, which says how each site's folder of records is read.
  let recordsFile: String?
  private let folder: String

  init(study path: String) throws {
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    folder = exists && isFolder.boolValue ? path : (path as NSString).deletingLastPathComponent
    let file = exists && isFolder.boolValue ? "\(path)/study.yaml" : path
    text = try InputFile.text(file)
    plan = try StudyPlan(yaml: text, file: file)
    let data = "\(folder.isEmpty ? "." : folder)/data.yaml"
    description =
      FileManager.default.fileExists(atPath: data) ? try InputFile.text(data) : nil
    let records = Self.absolute("\(folder.isEmpty ? "." : folder)/records.yaml")
    recordsFile = FileManager.default.fileExists(atPath: records) ? records : nil
  }

  /// The sites' ways to their cohorts, which also say why one of them cannot be gone. Only for a study that
  /// runs on this machine over data that whoever runs it may see: a network is told no file and no column.
  func naming(
    _ loaders: [String: @Sendable (StudyPlan) async throws -> CohortTable],
    say: @escaping @Sendable (String) -> Void
  ) -> [String: @Sendable (StudyPlan) async throws -> CohortTable] {
    let hint =
      description == nil && plan.records == nil
      ? "; there is no data.yaml beside the study to say how the files are written (delimiter, units, names"
        + " of columns, words for missing): without one they are read as the study's own columns"
      : ""
    return loaders.reduce(into: [:]) { named, site in
      let (name, load) = site
      named[name] = { plan in
        do {
          return try await load(plan)
        } catch {
          say("\(name): \(CommandFailure.words(error))\(hint)")
          throw error
        }
      }
    }
  }

  /// How a file is read: as `data.yaml` says, else by the study's own columns.
  func dataDescription(for file: String) throws -> DataDescription {
    let absolute = Self.absolute(file)
    guard let description else { return impliedDescription(absolute) }
    let root = try YAMLDocument(text: description, file: "\(folder)/data.yaml").root
    return try DataDescription(
      from: root.mapping(keys: ["data"]).required("data"), folder: "", defaultFile: absolute)
  }

  /// Columns as the study declares them, in the study's units.
  private func impliedDescription(_ file: String) -> DataDescription {
    var columns: [DataDescription.Column] = plan.cohort.features.map { feature in
      switch feature.kind {
      case .number(let unit, _, _):
        .init(feature.column, type: .number, unit: unit, missingCodes: feature.missingCodes)
      case .category: .init(feature.column, type: .category, missingCodes: feature.missingCodes)
      case .flag: .init(feature.column, type: .flag, missingCodes: feature.missingCodes)
      }
    }
    let known = Set(columns.map(\.name))
    var others = [plan.cohort.outcome.column]
    others += plan.cohort.include.map(\.column)
    others += [plan.cohort.patientColumn, plan.cohort.orderColumn, plan.cohort.holdout.column]
      .compactMap { $0 }
    for name in others where !known.contains(name) && !columns.contains(where: { $0.name == name })
    {
      columns.append(.init(name, type: .text))
    }
    return DataDescription(
      file: file, columns: columns, patientColumn: plan.cohort.patientColumn)
  }
}
