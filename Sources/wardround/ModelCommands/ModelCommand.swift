import ArgumentParser

/// What a clinician's IT types to use a model.
struct ModelCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model", abstract: "Use a study's model file.",
    subcommands: [ModelPredict.self, ModelExport.self, ModelUtility.self])
}
