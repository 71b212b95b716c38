import CanonicalBytes

/// How the models are compared on the holdouts.
public struct ValidationSpecification: Sendable, Hashable {
  /// Risk above which a patient counts as flagged, 0 < t < 1.
  public var threshold: Double
  /// Disclosures that the study asks for; each happens only where every site allows it.
  public var disclosures: Set<Disclosure>

  public init(threshold: Double = 0.5, disclosures: Set<Disclosure> = []) {
    self.threshold = threshold
    self.disclosures = disclosures
  }

  func write(to writer: inout ByteWriter) {
    writer.double(threshold)
    writer.array(disclosures.map(\.rawValue).sorted()) { $0.string($1) }
  }
}

/// How sites are compared with each other.
public struct DriftSpecification: Sendable, Hashable {
  /// Quantile bins of a numeric feature, 4 … 10: their edges are deciles over all sites.
  public var bins: Int
  /// False-discovery rate of the list of findings, 0 < q < 1.
  public var falseDiscoveryRate: Double

  public init(bins: Int = 10, falseDiscoveryRate: Double = 0.01) {
    self.bins = bins
    self.falseDiscoveryRate = falseDiscoveryRate
  }

  func write(to writer: inout ByteWriter) {
    writer.integer(UInt32(bins))
    writer.double(falseDiscoveryRate)
  }
}

/// What the sums are allowed to be about.
public struct PrivacySpecification: Sendable, Hashable {
  /// Fewest sites in any opened sum, at least 3: a sum of two is an exchange,
  /// not an aggregate.
  public var minimumSites: Int
  /// Fewest patients in a cell that is published by a site in clear.
  public var minimumCell: Int
  /// Sites that may collude with the aggregator without opening a sum.
  public var maximumColluders: Int
  /// The differential privacy promised to every patient; nil for none.
  public var goal: PrivacyGoal?

  public init(
    minimumSites: Int = 3, minimumCell: Int = 10, maximumColluders: Int = 1,
    goal: PrivacyGoal? = nil
  ) {
    self.minimumSites = minimumSites
    self.minimumCell = minimumCell
    self.maximumColluders = maximumColluders
    self.goal = goal
  }

  func write(to writer: inout ByteWriter) {
    writer.integer(UInt32(minimumSites))
    writer.integer(UInt32(minimumCell))
    writer.integer(UInt32(maximumColluders))
    writer.optional(goal) { $1.write(to: &$0) }
  }
}

/// How long anything may take before it is given up, with the name of who was waited for.
public struct Deadlines: Sendable, Hashable {
  /// One step of a secure round, seconds.
  public var roundSeconds: Double
  /// One per-site answer, which may include local training, seconds.
  public var answerSeconds: Double
  /// How long the study waits for enough sites to be present, seconds.
  public var presenceSeconds: Double
  /// How long a query waits for a site that lost its connection before it goes on without it,
  /// seconds; a site that is connected and silent is not waited for.
  public var returnSeconds: Double
  /// How long the sites have to decide about the study, days.
  public var approvalDays: Double

  public init(
    roundSeconds: Double = 30, answerSeconds: Double = 120, presenceSeconds: Double = 300,
    returnSeconds: Double = 10, approvalDays: Double = 30
  ) {
    self.roundSeconds = roundSeconds
    self.answerSeconds = answerSeconds
    self.presenceSeconds = presenceSeconds
    self.returnSeconds = returnSeconds
    self.approvalDays = approvalDays
  }

  func write(to writer: inout ByteWriter) {
    writer.double(roundSeconds)
    writer.double(answerSeconds)
    writer.double(presenceSeconds)
    writer.double(returnSeconds)
    writer.double(approvalDays)
  }
}
