import Identity

/// What a new member gets.
public struct EnrolmentAnswer: Sendable, Hashable {
  /// Its certificate and the network's authority in DER, leaf first.
  public var chainDER: [[UInt8]]
  /// Network information, opaque to the transport.
  public var network: [UInt8]

  /// Makes the value.
  public init(chainDER: [[UInt8]], network: [UInt8] = []) {
    self.chainDER = chainDER
    self.network = network
  }
}

/// One line of a list of studies.
public struct StudySummary: Sendable, Hashable {
  public var study: String
  public var name: String
  /// A registered state.
  public var state: String
  /// Words for a person.
  public var detail: String

  /// Makes the value.
  public init(study: String, name: String, state: String, detail: String = "") {
    self.study = study
    self.name = name
    self.state = state
    self.detail = detail
  }
}

/// One line of a list of sites.
public struct SiteSummary: Sendable, Hashable {
  public var name: String
  /// A registered state.
  public var state: String
  /// Words for a person.
  public var detail: String

  /// Makes the value.
  public init(name: String, state: String, detail: String = "") {
    self.name = name
    self.state = state
    self.detail = detail
  }
}

/// How far a study is.
public struct ProgressEvent: Sendable, Hashable {
  public var stage: String
  /// Part of the study that is done, 0 to 1.
  public var fraction: Double
  /// Words for a person.
  public var message: String
  /// Nil when it is not known.
  public var secondsLeft: Double?
  /// Set on the last event only: the state the study ended in.
  public var finalState: String?

  /// Makes the value.
  public init(
    stage: String, fraction: Double, message: String = "", secondsLeft: Double? = nil,
    finalState: String? = nil
  ) {
    self.stage = stage
    self.fraction = fraction
    self.message = message
    self.secondsLeft = secondsLeft
    self.finalState = finalState
  }
}

/// What the aggregator does with the calls that the server lets through.
///
/// The server has checked the caller's certificate and role before any of these runs. A thrown
/// `TransportError` reaches the caller as it is; of any other error the caller learns only
/// `internal-failure`, so nothing leaks by accident.
public protocol AggregatorHandler: Sendable {
  /// A site is connected. The connection lives until this returns; return when its frames end.
  func siteConnected(_ connection: any SiteConnection) async
  /// A site wants a new certificate for its own name.
  ///
  /// - Parameter requestDER: PKCS #10.
  /// - Returns: the new certificate and the authority's in DER, leaf first.
  func renew(_ caller: VerifiedPeer, requestDER: [UInt8]) async throws -> [[UInt8]]
  /// Somebody with an invitation wants to join. The caller has no certificate yet.
  func join(_ request: EnrolmentRequest) async throws -> EnrolmentAnswer
  /// A researcher submits a study; returns its id.
  func propose(_ caller: Principal, name: String, document: String) async throws -> String
  /// The studies a researcher or operator may see.
  func studies(_ caller: Principal) async throws -> [StudySummary]
  /// Sends a study's events from its start, and returns after the last.
  func watch(
    _ caller: Principal, study: String,
    event: @escaping @Sendable (ProgressEvent) async throws -> Void
  ) async throws
  /// Sends a file of a study in pieces of at most 1 MiB.
  func fetch(
    _ caller: Principal, study: String, artefact: String,
    piece: @escaping @Sendable ([UInt8]) async throws -> Void
  ) async throws
  /// An operator invites a member; returns the invitation's text.
  func invite(_ caller: Principal, name: String, role: Role) async throws -> String
  /// An operator ends a member's membership. The server cuts its connections afterwards.
  ///
  /// - Returns: who was revoked.
  func revoke(_ caller: Principal, name: String, role: Role) async throws -> Principal
  /// All sites, for an operator.
  func sites(_ caller: Principal) async throws -> [SiteSummary]
}
