/// The `policy:` section as it is written: what a hospital allows. The agent turns the names into
/// its own queries and disclosures; local policy always wins over a study's wishes.
public struct PolicySettings: Sendable, Hashable {
  /// A cohort with fewer patients takes no part. At least 1.
  public var minimumCohort: Int
  /// A sum over fewer sites is not answered. At least 3.
  public var minimumSitesInSum: Int
  /// A count below this is not shown in a site's own table. At least 1.
  public var minimumCell: Int
  /// The names of the queries that may be answered; nil allows all that the agent knows.
  public var allowedQueries: [String]?
  /// Whether studies that fit the policy are approved without a person.
  public var autoApprove: Bool
  /// The names of the disclosures about this single site that are allowed; none by default.
  public var disclose: [String]
  /// The names of the sites with which this one takes part in studies; nil for all of the network.
  public var members: [String]?
  /// Whether a study without noise may ask again what an earlier one asked, over nearly the same patients
  /// or hospitals.
  public var nearRepetition: Bool
  /// What a patient may lose to studies under differential privacy.
  public var privacy: PrivacyBudget

  public init(
    minimumCohort: Int = 50, minimumSitesInSum: Int = 3, minimumCell: Int = 10,
    allowedQueries: [String]? = nil, autoApprove: Bool = false, disclose: [String] = [],
    members: [String]? = nil, nearRepetition: Bool = false, privacy: PrivacyBudget = PrivacyBudget()
  ) {
    self.minimumCohort = minimumCohort
    self.minimumSitesInSum = minimumSitesInSum
    self.minimumCell = minimumCell
    self.allowedQueries = allowedQueries
    self.autoApprove = autoApprove
    self.disclose = disclose
    self.members = members
    self.nearRepetition = nearRepetition
    self.privacy = privacy
  }
}

/// The `privacy:` part of a policy: how much studies may learn about one patient of this site.
public struct PrivacyBudget: Sendable, Hashable {
  /// Whether studies without differential privacy are refused.
  public var isRequired: Bool
  /// Largest ε of one study, at `delta`.
  public var epsilonPerStudy: Double
  /// Largest ε of all studies together, at `delta`.
  public var epsilonInTotal: Double
  public var delta: Double
  /// Whether a second person has to confirm a larger budget.
  public var needsTwoPersons: Bool

  public init(
    isRequired: Bool = false, epsilonPerStudy: Double = 8, epsilonInTotal: Double = 16,
    delta: Double = 1e-5, needsTwoPersons: Bool = true
  ) {
    self.isRequired = isRequired
    self.epsilonPerStudy = epsilonPerStudy
    self.epsilonInTotal = epsilonInTotal
    self.delta = delta
    self.needsTwoPersons = needsTwoPersons
  }
}

/// Where the aggregator is.
public struct AggregatorAddress: Sendable, Hashable {
  public var host: String
  /// Port of the mutual TLS stream.
  public var port: Int
  /// Port on which a site joins with an invitation.
  public var enrolmentPort: Int

  public init(host: String, port: Int = 8443, enrolmentPort: Int = 8444) {
    self.host = host
    self.port = port
    self.enrolmentPort = enrolmentPort
  }
}

/// One site's `site.yaml`, decoded; every default stands here and nowhere else.
public struct SiteConfiguration: Sendable, Hashable {
  /// The site's name in the network: lower-case letters, digits and `-`, at most 63.
  public var site: String
  /// The institution that answers for the data.
  public var legalEntity: String
  public var aggregator: AggregatorAddress
  /// Folder of the keys and certificates.
  public var identity: String
  /// Folder of the journal, the record of what left and the audit log.
  public var store: String
  /// The table that studies over tables read; nil when the site has none.
  public var data: DataDescription?
  /// The records that studies from records read; nil when the site has none.
  public var records: RecordsDescription?
  public var policy: PolicySettings

  public init(
    site: String, legalEntity: String, aggregator: AggregatorAddress, identity: String = "identity",
    store: String = "state", data: DataDescription?, records: RecordsDescription? = nil,
    policy: PolicySettings = PolicySettings()
  ) {
    self.site = site
    self.legalEntity = legalEntity
    self.aggregator = aggregator
    self.identity = identity
    self.store = store
    self.data = data
    self.records = records
    self.policy = policy
  }

  /// Whether a text can be a site's name.
  public static func isSiteName(_ text: String) -> Bool {
    guard (1...63).contains(text.utf8.count), text.utf8.first != UInt8(ascii: "-") else {
      return false
    }
    return text.utf8.allSatisfy {
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "-")
    }
  }
}
