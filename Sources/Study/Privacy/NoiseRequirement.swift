import CanonicalBytes
import DifferentialPrivacy

/// Whose data a release is about. Whether a patient is held out is decided by a keyed hash of the
/// patient alone, so releases about training and about holdout patients never touch the same person.
public enum PatientGroup: UInt8, Sendable, Hashable, Codable, CaseIterable {
  case everybody = 0
  case training = 1
  case holdout = 2
}

/// The noise that a released vector has to carry before anybody may read it.
public struct NoiseRequirement: Sendable, Hashable {
  /// σ² in lattice units: the variance per element that the honest sites' noise must reach together
  /// (sums), or that the site adds alone (site answers).
  public var variance: UInt64
  /// Square of the largest L2 distance, lattice units, by which one patient moves the vector.
  public var sensitivitySquared: UInt64
  public var group: PatientGroup
  /// Probability with which each patient takes part in one release; 1 for everybody.
  public var samplingRate: Double

  public init(
    variance: UInt64, sensitivitySquared: UInt64, group: PatientGroup, samplingRate: Double = 1
  ) {
    self.variance = variance
    self.sensitivitySquared = sensitivitySquared
    self.group = group
    self.samplingRate = samplingRate
  }

  /// Variance below which noise on integers is not charged: the discrete noise counts as a continuous
  /// Gaussian of variance σ² − 4 lattice units² (PRIVACY-CORE §4.3).
  public static let latticeLoss = UInt64(GaussianDominance.slackVariance)

  /// μ² of one release that everybody is in: Δ²/(σ² − 4).
  public var squaredMu: Double {
    variance > Self.latticeLoss
      ? Double(sensitivitySquared) / Double(variance - Self.latticeLoss) : .infinity
  }

  func write(to writer: inout ByteWriter) {
    writer.integer(variance)
    writer.integer(sensitivitySquared)
    writer.integer(group.rawValue)
    writer.double(samplingRate)
  }
}
