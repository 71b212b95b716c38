import ArgumentParser
import Reports

/// A model file that a person names.
enum ModelInput {
  /// - Throws: naming the file and what to do when it is no model.
  static func read(_ path: String) throws -> AnyModelFile {
    let data = try InputFile.data(path)
    do {
      return try AnyModelFile(decoding: data)
    } catch {
      throw ValidationError(
        "`\(path)` is no model file: \(error.description); name the `model-….json` that `study fetch` or"
          + " `study simulate` wrote, unchanged")
    }
  }
}
