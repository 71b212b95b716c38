/// The fault registry of protocol/README.md §11. The raw value is what Abort carries.
public enum FaultCode: UInt16, Sendable, CaseIterable {
  case truncated = 1
  case tooLong = 2
  case trailingBytes = 3
  case notCanonical = 4
  case wrongSuite = 5
  case unknownKind = 6
  case wrongManifest = 7
  case senderUnknown = 8
  case signatureInvalid = 9
  case wrongEpoch = 10
  case wrongRound = 11
  case roundReplayed = 12
  case unexpectedMessage = 13
  case secondStatement = 14
  case manifestInvalid = 20
  case rosterInvalid = 21
  case manifestUnsigned = 22
  case keyReplaced = 23
  case keyInvalid = 24
  case keysUnconfirmed = 25
  case tooFew = 30
  case queryMismatch = 31
  case chainMismatch = 32
  case setInvalid = 33
  case setChange = 34
  case seedMismatch = 35
  case shareUnreadable = 36
  case prefetchMissing = 37
  case roundLimit = 38
  case siteMissing = 39
  case answerInvalid = 40
  case vectorLength = 41
  case vectorDigest = 42
  case ackInvalid = 50
  case quorumMissing = 51
  case resultMismatch = 52
  case sumRejected = 53
  case secretCorrupt = 60
  case shareCorrupt = 61
  case unrecoverable = 62
  case layerCorrupt = 63
  case timeout = 70
  case restarted = 71
  case stopped = 72
  case refused = 73

  /// The registered name, as it stands in logs and vectors.
  public var name: String {
    switch self {
    case .truncated: "truncated"
    case .tooLong: "too-long"
    case .trailingBytes: "trailing-bytes"
    case .notCanonical: "not-canonical"
    case .wrongSuite: "wrong-suite"
    case .unknownKind: "unknown-kind"
    case .wrongManifest: "wrong-manifest"
    case .senderUnknown: "sender-unknown"
    case .signatureInvalid: "signature-invalid"
    case .wrongEpoch: "wrong-epoch"
    case .wrongRound: "wrong-round"
    case .roundReplayed: "round-replayed"
    case .unexpectedMessage: "unexpected-message"
    case .secondStatement: "second-statement"
    case .manifestInvalid: "manifest-invalid"
    case .rosterInvalid: "roster-invalid"
    case .manifestUnsigned: "manifest-unsigned"
    case .keyReplaced: "key-replaced"
    case .keyInvalid: "key-invalid"
    case .keysUnconfirmed: "keys-unconfirmed"
    case .tooFew: "too-few"
    case .queryMismatch: "query-mismatch"
    case .chainMismatch: "chain-mismatch"
    case .setInvalid: "set-invalid"
    case .setChange: "set-change"
    case .seedMismatch: "seed-mismatch"
    case .shareUnreadable: "share-unreadable"
    case .prefetchMissing: "prefetch-missing"
    case .roundLimit: "round-limit"
    case .siteMissing: "site-missing"
    case .answerInvalid: "answer-invalid"
    case .vectorLength: "vector-length"
    case .vectorDigest: "vector-digest"
    case .ackInvalid: "ack-invalid"
    case .quorumMissing: "quorum-missing"
    case .resultMismatch: "result-mismatch"
    case .sumRejected: "sum-rejected"
    case .secretCorrupt: "secret-corrupt"
    case .shareCorrupt: "share-corrupt"
    case .unrecoverable: "unrecoverable"
    case .layerCorrupt: "layer-corrupt"
    case .timeout: "timeout"
    case .restarted: "restarted"
    case .stopped: "stopped"
    case .refused: "refused"
    }
  }

  /// A constant sentence that says what happened.
  public var message: String {
    switch self {
    case .truncated: "the bytes end before the message does"
    case .tooLong: "a message, length or count is beyond its limit"
    case .trailingBytes: "bytes are left after the message"
    case .notCanonical: "the bytes are not the one encoding of any message"
    case .wrongSuite: "another version or suite of the protocol"
    case .unknownKind: "a kind of message that the protocol does not have"
    case .wrongManifest: "the message belongs to another study manifest"
    case .senderUnknown: "the sender is not the connected peer or not in the roster"
    case .signatureInvalid: "the signature does not belong to the message and its sender"
    case .wrongEpoch: "the message belongs to another key epoch"
    case .wrongRound: "the message belongs to another round"
    case .roundReplayed: "the round number was used before"
    case .unexpectedMessage: "the message does not fit the state of the round"
    case .secondStatement: "a second, different message of one kind in one round"
    case .manifestInvalid: "the manifest breaks a rule"
    case .rosterInvalid: "the roster breaks a rule"
    case .manifestUnsigned: "a site has not signed the manifest"
    case .keyReplaced: "the aggregator passed on another key than the site sent"
    case .keyInvalid: "an agreement key is repeated or of low order"
    case .keysUnconfirmed: "the sites do not confirm the same keys"
    case .tooFew: "fewer sites than the manifest demands"
    case .queryMismatch: "the aggregator and the site derived different queries"
    case .chainMismatch: "the history of accepted results differs"
    case .setInvalid: "a set of sites breaks the rules of the round"
    case .setChange: "the set differs from an earlier one for this query by too few sites"
    case .seedMismatch: "sites derived different mask seeds: model, history, set or keys differ"
    case .shareUnreadable: "a peer's share does not decrypt or is not a share"
    case .prefetchMissing: "the round needs shares that were not sent in advance"
    case .roundLimit: "the round number is beyond the limit of the epoch or the study"
    case .siteMissing: "a site that the query needs is not in the set"
    case .answerInvalid: "the site's own answer has the wrong length, width or range"
    case .vectorLength: "a vector has another length than its header says"
    case .vectorDigest: "a vector does not fit its digest"
    case .ackInvalid: "an acknowledgement is not a valid signature of a member"
    case .quorumMissing: "fewer acknowledgements or openings than the threshold"
    case .resultMismatch: "a statement or result does not fit what the site saw"
    case .sumRejected: "the published sum fails its tag or count"
    case .secretCorrupt: "a revealed secret does not fit its commitment"
    case .shareCorrupt: "a revealed share does not lie on the polynomial of the others"
    case .unrecoverable: "a secret cannot be reconstructed from the shares at hand"
    case .layerCorrupt: "a revealed seed of noise does not fit its commitment"
    case .timeout: "the deadline passed"
    case .restarted: "the site restarted within the round"
    case .stopped: "the study was stopped"
    case .refused: "the site's own policy refuses"
    }
  }
}
