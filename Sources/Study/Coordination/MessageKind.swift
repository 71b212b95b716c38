/// What the body of a frame between a site and the aggregator means. The numbers are on the wire and
/// never change; `protocol/README.md` registers them.
public enum MessageKind: UInt16, Sendable, CaseIterable {
  // From a site.
  case decision = 16
  case manifestSignature = 17
  case position = 18
  case siteAnswer = 19
  case studyFault = 20
  case finished = 21
  case ledgerHead = 22
  // From the aggregator.
  case proposal = 32
  case manifest = 33
  case signedManifest = 34
  case publishedAnswers = 35
  case resynchronise = 36
  case ended = 37
  case ledgerKnown = 38
  // Both ways: a message of the secure-sum protocol, its vector beside it.
  case secureSum = 48
}
