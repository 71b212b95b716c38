import PortableNumerics

/// How hard a replica is attacked.
public struct AuditSettings: Sendable, Hashable {
  /// White-box gradient canaries over all runs, at least 20; nil takes `canaryCount(epsilon:)`.
  public var canaryCount: Int?
  /// Patient canaries over all runs; 0 for none.
  public var patientCanaryCount: Int
  /// Shadow models of the membership attack; 0 for none, else at least 8 (64 for a report).
  public var shadowCount: Int
  /// Runs per side of the test of single releases; 0 for none.
  public var releaseRunCount: Int
  /// Patients to rebuild; 0 for none.
  public var inversionTargetCount: Int
  /// Seed of everything random, the replica's noise included.
  public var seed: UInt64
  /// False leaves out the replica's noise: a test fault that the audit has to find.
  public var hasNoise: Bool

  public init(
    canaryCount: Int? = nil, patientCanaryCount: Int = 800, shadowCount: Int = 64,
    releaseRunCount: Int = 10_000, inversionTargetCount: Int = 200, seed: UInt64 = 1,
    hasNoise: Bool = true
  ) {
    self.canaryCount = canaryCount
    self.patientCanaryCount = patientCanaryCount
    self.shadowCount = shadowCount
    self.releaseRunCount = releaseRunCount
    self.inversionTargetCount = inversionTargetCount
    self.seed = seed
    self.hasNoise = hasNoise
  }

  /// Canaries of which all have to be guessed right before a bound can pass ε: 6 (1 + e^ε), within
  /// 1,000 … 20,000.
  public static func canaryCount(epsilon: Double) -> Int {
    Int(min(max(6 * (1 + Portable.exp(min(epsilon, 20))), 1000), 20_000))
  }

  /// Throws `outOfRange`.
  func check() throws(AuditError) {
    guard (canaryCount ?? 20) >= 20, (canaryCount ?? 20) <= 1_000_000,
      (0...1_000_000).contains(patientCanaryCount),
      shadowCount == 0 || (8...4096).contains(shadowCount),
      releaseRunCount == 0 || (100...1_000_000).contains(releaseRunCount),
      (0...100_000).contains(inversionTargetCount)
    else {
      throw AuditError(
        .outOfRange,
        "an audit takes 20 to 1,000,000 canaries, 8 to 4096 shadow models (or 0) and 100 to"
          + " 1,000,000 runs of a release (or 0)")
    }
  }
}
