import CanonicalBytes
import Cryptography

/// What all sites agree on before the first round: who takes part, how many of them it needs, and
/// which program runs (protocol/README.md §2). It never changes; another roster is another study.
public struct Manifest: Sendable, Hashable {
  static let magic: [UInt8] = [0x57, 0x53, 0x53, 0x4d]
  static let version: UInt16 = 1
  static let suite: UInt16 = 1

  /// A member of the roster; its index is its position, from 1.
  public struct Member: Sendable, Hashable {
    /// 1…128 bytes of UTF-8.
    public let siteName: String
    /// 1…256 bytes of UTF-8.
    public let legalEntity: String
    public let key: VerifyingKey

    public init(siteName: String, legalEntity: String, key: VerifyingKey) {
      self.siteName = siteName
      self.legalEntity = legalEntity
      self.key = key
    }
  }

  public let studyIdentifier: String
  public let purpose: String
  public let aggregatorName: String
  public let aggregatorKey: VerifyingKey
  public let roster: [Member]
  /// t = ⌊2n/3⌋ + 1.
  public let threshold: Int
  /// m_min: the smallest number of sites in a sum.
  public let minimumSites: Int
  /// c_max: how many sites may collude with one another without learning another's vector.
  public let maximumColluders: Int
  /// k_diff: sets of the same query are equal or differ by at least so many sites.
  public let differencingFloor: Int
  public let programDigest: Digest
  /// Name of the encoding, at most 256 bytes.
  public let encoding: String
  /// Digest of the differential privacy plan; zeros when there is none.
  public let privacyPlanDigest: Digest
  public let roundLimit: UInt64
  public let epochRoundLimit: UInt32
  public let maximumVectorLength: UInt32
  public let firstEpoch: UInt32

  /// The threshold of a roster: ⌊2n/3⌋ + 1. Two quorums share an honest site as long as at most
  /// 2t − n − 1 sites collude with the aggregator.
  public static func threshold(siteCount: Int) -> Int { 2 * siteCount / 3 + 1 }

  /// The largest c_max of a roster: two honest sites stay in every sum, and two quorums share an honest
  /// site.
  public static func colluderLimit(siteCount: Int) -> Int {
    max(0, min(siteCount - 2, 2 * threshold(siteCount: siteCount) - siteCount - 1))
  }

  /// Throws `manifestInvalid` or `rosterInvalid` when a rule of §2 is violated.
  public init(
    studyIdentifier: String, purpose: String, aggregatorName: String,
    aggregatorKey: VerifyingKey, roster: [Member], minimumSites: Int = 3,
    maximumColluders: Int = 1, differencingFloor: Int = 3, programDigest: Digest,
    encoding: String = "fixed-point/1", privacyPlanDigest: Digest = .zero,
    roundLimit: UInt64 = 1 << 32, epochRoundLimit: UInt32 = 256,
    maximumVectorLength: UInt32 = 1 << 27, firstEpoch: UInt32 = 1
  ) throws(SecureAggregationError) {
    self.studyIdentifier = studyIdentifier
    self.purpose = purpose
    self.aggregatorName = aggregatorName
    self.aggregatorKey = aggregatorKey
    self.roster = roster
    self.threshold = Self.threshold(siteCount: roster.count)
    self.minimumSites = minimumSites
    self.maximumColluders = maximumColluders
    self.differencingFloor = differencingFloor
    self.programDigest = programDigest
    self.encoding = encoding
    self.privacyPlanDigest = privacyPlanDigest
    self.roundLimit = roundLimit
    self.epochRoundLimit = epochRoundLimit
    self.maximumVectorLength = maximumVectorLength
    self.firstEpoch = firstEpoch
    try validate()
  }

  /// How many sites the roster has.
  public var siteCount: Int { roster.count }

  /// q = max(t, m_min, c_max + 2): no sum has fewer sites.
  public var quorum: Int { max(threshold, minimumSites, maximumColluders + 2) }

  /// 1…n.
  public var everyone: [UInt16] { (0..<roster.count).map { UInt16($0 + 1) } }

  func validate(indices: [UInt16]? = nil) throws(SecureAggregationError) {
    try validateRoster(indices: indices)
    let colluderLimit = Self.colluderLimit(siteCount: siteCount)
    guard (1...128).contains(studyIdentifier.utf8.count), purpose.utf8.count <= 4_096,
      (1...128).contains(aggregatorName.utf8.count), encoding.utf8.count <= 256,
      threshold == Self.threshold(siteCount: siteCount), (2...siteCount).contains(minimumSites),
      maximumColluders >= 0, maximumColluders <= colluderLimit,
      (1...siteCount).contains(differencingFloor), roundLimit >= 1,
      (1...4_096).contains(epochRoundLimit), maximumVectorLength >= 2, firstEpoch >= 1
    else { throw SecureAggregationError(.manifestInvalid) }
  }

  /// Checks the number of entries, then entry by entry: its index where one was written, name, legal
  /// entity, key. Names the first wrong one.
  private func validateRoster(indices: [UInt16]?) throws(SecureAggregationError) {
    guard (3...200).contains(roster.count) else { throw SecureAggregationError(.rosterInvalid) }
    var names: Set<String> = []
    var keys: Set<VerifyingKey> = [aggregatorKey]
    for (position, member) in roster.enumerated() {
      let index = UInt16(position + 1)
      let isNew = names.insert(member.siteName).inserted
      let hasOwnKey = keys.insert(member.key).inserted
      guard indices.map({ $0[position] == index }) ?? true, isNew, hasOwnKey,
        (1...128).contains(member.siteName.utf8.count),
        (1...256).contains(member.legalEntity.utf8.count)
      else { throw SecureAggregationError(.rosterInvalid, naming: [index]) }
    }
  }
}
