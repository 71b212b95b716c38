import ArgumentParser
import Foundation
import Records
import StrictYAML
import Study

/// The recipe from records to a table, in a study file or in a file of its own.
enum RecipeFile {
  /// - Parameter path: a recipe, a study file, or the folder of a study.
  static func read(_ path: String) throws -> RecordsRecipe {
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    let path = exists && isFolder.boolValue ? "\(path)/study.yaml" : path
    let text = try InputFile.text(path)
    let root = try YAMLDocument(text: text, file: path).root
    guard try root.namedEntries().contains(where: { $0.name == "study" }) else {
      return try RecordsRecipe(yaml: root)
    }
    guard let recipe = try StudyPlan(yaml: text, file: path).records else {
      throw ValidationError("the study in `\(path)` has no `records` section")
    }
    return recipe
  }
}
