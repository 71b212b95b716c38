/// What attacks on a replica of a study reached, beside what is proven: the content of the audit's
/// text and JSON, which a report can carry.
///
/// A bound above the proven ε is a bug and blocks a release. A low bound proves nothing; that is what
/// the ceilings are for.
public struct AuditFacts: Sendable, Hashable, Codable {
  /// Identifier of the study and digest of the plan that was replicated, hexadecimal.
  public var study: String
  public var planDigest: String
  /// Seed of the canaries, coins, shadow models and of the replica's noise.
  public var seed: UInt64
  /// False when a test fault switched the replica's noise off.
  public var hasNoise: Bool
  /// δ of every ε here.
  public var delta: Double
  /// ε that the plan proves at δ.
  public var provenEpsilon: Double
  /// μ of Gaussian differential privacy that the plan proves; nil for a plan with sampling.
  public var provenMu: Double?
  /// Lower bounds on ε by guessing who was in.
  public var canaries: [CanaryFacts]
  /// Lower bounds on the ε of single releases from two neighbouring inputs.
  public var releases: [ReleaseFacts]
  /// Membership attacks on the published model.
  public var membership: [MembershipFacts]
  /// Reconstruction of patients from what leaves a site.
  public var inversions: [InversionFacts]
  /// Why no patient was rebuilt, in words; nil where the attack ran.
  public var inversionOmission: String?

  /// Every bound that is above what is proven, in words; empty for a passed audit.
  public var violations: [String] {
    canaries.filter(\.exceedsProven).map {
      "\($0.attack): epsilon >= \(Decimals.text($0.epsilonLowerBound, 3)) where"
        + " \(Decimals.text($0.provenEpsilon, 3)) is proven"
    }
      + releases.filter(\.exceedsProven).map {
        "\($0.release), alone: epsilon >= \(Decimals.text($0.epsilonLowerBound, 3)) where"
          + " \(Decimals.text($0.provenEpsilon, 3)) is proven"
          + ($0.muLowerBound.map { ", mu >= \(Decimals.text($0, 3))" } ?? "")
          + ($0.provenMu.map { " where \(Decimals.text($0, 3)) is" } ?? "")
      }
  }

  /// The largest lower bound on the ε of the whole study that an attack by canaries gave; 0 for none.
  public var empiricalEpsilon: Double { canaries.map(\.epsilonLowerBound).max() ?? 0 }

  /// Whether no bound is above what is proven.
  public var isPassed: Bool { violations.isEmpty }

  /// Guesses at who was in, and the bound that they give.
  public struct CanaryFacts: Sendable, Hashable, Codable {
    public var attack: String
    /// What was put in and what the attacker saw, in words.
    public var attacked: String
    /// m, over all runs, and the runs.
    public var canaryCount: Int
    public var runCount: Int
    /// r and v of the guess rule that gave the bound.
    public var guessCount: Int
    public var correctCount: Int
    /// With `confidence` the releases are not (ε, δ)-private for any smaller ε.
    public var epsilonLowerBound: Double
    public var confidence: Double
    public var provenEpsilon: Double
    /// Area under the ROC curve of the canaries' scores and the largest that the proof allows.
    public var area: Double
    public var areaCeiling: Double

    public var exceedsProven: Bool { epsilonLowerBound > provenEpsilon }
  }

  /// One release over two neighbouring inputs, many times.
  public struct ReleaseFacts: Sendable, Hashable, Codable {
    /// The release's purpose.
    public var release: String
    /// Runs with, and as many without, the one patient.
    public var runCount: Int
    public var epsilonLowerBound: Double
    public var confidence: Double
    /// ε of this release alone at δ.
    public var provenEpsilon: Double
    /// With `muConfidence` the release is not μ-GDP for any smaller μ; nil with sampling. The ledger
    /// charges μ, and this is the sharpest look at the variance of the noise.
    public var muLowerBound: Double?
    public var muConfidence: Double
    /// μ of this release alone; nil with sampling.
    public var provenMu: Double?

    public var exceedsProven: Bool {
      epsilonLowerBound > provenEpsilon || (muLowerBound ?? 0) > (provenMu ?? .infinity)
    }
  }

  /// A membership attack on the published coefficients.
  public struct MembershipFacts: Sendable, Hashable, Codable {
    /// The trained model and whether it carries noise, in words.
    public var model: String
    public var hasNoise: Bool
    /// Models trained, and patients whose membership was guessed in each.
    public var shadowCount: Int
    public var patientCount: Int
    public var area: Double
    public var truePositiveRateAtThousandth: Double
    public var truePositiveRateAtHundredth: Double
    /// The largest values that the proven guarantee allows any attack; 1 without noise.
    public var areaCeiling: Double
    public var ceilingAtThousandth: Double
    public var ceilingAtHundredth: Double
  }

  /// A reconstruction of patients' rows.
  public struct InversionFacts: Sendable, Hashable, Codable {
    /// What the attacker saw.
    public var view: String
    public var targetCount: Int
    /// Share of patients of whom every feature was recovered at the recorded precision.
    public var exactMatchRate: Double
    /// Share of features recovered: numbers to a quarter of a standard deviation, the rest exactly.
    public var featureAccuracy: Double
  }
}
