import Testing

/// A vector file that no test reads fails the suite.
@Suite struct VectorCoverageTests {
  @Test("The folder has vectors, and every file is of a kind that a test reads")
  func everyFileIsRead() {
    #expect(VectorFile.all.count >= 60)
    for file in VectorFile.all {
      #expect(file.name.hasSuffix(".json"))
      #expect(file.content["format"].text == "wss1-vectors/1", "\(file.name)")
      #expect(
        ["primitives", "fixed-point", "manifest", "session"].contains(file.kind), "\(file.name)")
      #expect(!file.steps.isEmpty, "\(file.name)")
    }
  }
}
