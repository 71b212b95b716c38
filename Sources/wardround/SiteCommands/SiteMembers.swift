import ArgumentParser
import Cryptography
import Site
import Store

/// `wardround site members`
struct SiteMembers: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "members",
    abstract: "Show the hospitals that this site has met in rosters, as it first met them.",
    discussion: """
      A hospital that comes with another key or legal entity later is refused: whoever can name \
      members of a study could otherwise put itself in a hospital's place. After it has joined anew, \
      ask it by telephone and forget the old one.
      """)

  @OptionGroup var folder: SiteFolder
  @Option(help: "Forget a hospital, so that its new key is taken.")
  var forget: String?
  @Option(help: "Who forgets it.")
  var by: String?

  func validate() throws {
    guard (forget == nil) == (by == nil) else {
      throw ValidationError("--forget and --by go together")
    }
  }

  func run() async throws {
    try await CommandFailure.reporting {
      let store = try folder.store(try folder.configuration())
      if let forget, let by {
        try await store.forgetMember(forget, by: by)
        print("\(forget) is forgotten; it is met anew in the next study's roster.")
        return
      }
      let members = try await store.knownMembers()
      guard !members.isEmpty else { return print("No study had a roster yet.") }
      for member in members {
        print(
          "\(member.name)  \(PlainText.of(member.legalEntity))  key \(Hexadecimal.encode(member.key).prefix(16))…"
        )
      }
    }
  }
}
