import ArgumentParser

/// What a researcher types.
struct StudyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "study",
    abstract: "Write, propose, follow and fetch studies; replay a transcript; simulate.",
    subcommands: [
      StudyNew.self, StudyJoin.self, StudySubmit.self, StudyList.self, StudyWatch.self,
      StudyFetch.self,
      StudyReplay.self, StudyReport.self, StudySimulate.self,
    ])
}
