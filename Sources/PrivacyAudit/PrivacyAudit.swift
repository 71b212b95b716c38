import Cohort
import DifferentialPrivacy
import PortableNumerics
import Study

/// Attacks a study's promise on a replica: the study's own program, releases and noise over copies of
/// the data in one process. A real study and its model are never touched.
///
/// What is attacked is everything that would leave the hospitals: noisy sums as they are opened and
/// noisy site answers. The secure sum itself, which hides the parts, is left out: the attacker is given
/// what it opens. The noise is the planned whole, drawn by the same sampler; how it is split over
/// sites is tested elsewhere.
public struct PrivacyAudit: Sendable {
  private let study: AgreedStudy
  private let privacy: PrivacyPlan
  private let replica: Replica
  private let settings: AuditSettings
  private let report: @Sendable (String) async -> Void

  /// Patient canaries in one run: few, so that they hide one another little.
  private static let patientCanariesPerRun = 16
  /// Noisy runs over which reconstructions are averaged.
  private static let inversionRuns = 10

  /// An audit of a study with a privacy goal over its sites' cohorts.
  ///
  /// - Parameter report: called with what is being done, in words.
  /// - Throws: `AuditError`; `StudyError` when the plan cannot be kept.
  public init(
    _ study: AgreedStudy, cohorts: [String: CohortTable], settings: AuditSettings = .init(),
    report: @escaping @Sendable (String) async -> Void = { _ in }
  ) throws {
    try settings.check()
    guard let privacy = try PrivacyPlan(study.plan) else {
      throw AuditError(
        .noGoal,
        "the study promises no differential privacy, so there is nothing to audit; add `epsilon` and"
          + " `delta` to its `privacy`, or give them to this command")
    }
    self.study = study
    self.privacy = privacy
    self.settings = settings
    self.report = report
    replica = Replica(
      study: study, cohorts: cohorts, seed: settings.seed, hasNoise: settings.hasNoise)
  }

  /// Runs every attack.
  public func run() async throws -> AuditFacts {
    await report("running the replica once")
    let probe = try await replica.run(.probe, 0)
    guard !probe.observations.isEmpty else {
      throw AuditError(.nothingToAttack, "the replica released nothing; check its data")
    }
    let ceiling = try ProvenCeiling(privacy)
    var canaries = [try await gradientCanaries(probe, ceiling)]
    if settings.patientCanaryCount > 0 { canaries.append(try await patientCanaries(ceiling)) }
    let releases = try await releases(probe)
    let lira = try await membership(ceiling)
    if let bound = lira.bound { canaries.append(bound) }
    let (inversions, omission) = try await inversions()
    return AuditFacts(
      study: study.plan.id, planDigest: study.plan.digest.hex, seed: settings.seed,
      hasNoise: settings.hasNoise, delta: privacy.goal.delta, provenEpsilon: privacy.epsilon,
      provenMu: ceiling.mu, canaries: canaries, releases: releases, membership: lira.facts,
      inversions: inversions, inversionOmission: omission)
  }

  // MARK: - Canaries

  private func gradientCanaries(
    _ probe: Replica.Run, _ ceiling: ProvenCeiling
  ) async throws -> AuditFacts.CanaryFacts {
    let wanted =
      settings.canaryCount ?? AuditSettings.canaryCount(epsilon: privacy.epsilon)
    let capacity = GradientCanaries.Capacity(
      probe.observations, siteCount: study.sites.count)
    guard capacity.count > 0 else {
      throw AuditError(.nothingToAttack, "the releases are too short to carry canaries")
    }
    let runCount = (wanted + capacity.count - 1) / capacity.count
    var scores: [CanaryScore] = []
    for run in 0..<runCount {
      await report("gradient canaries, run \(run + 1) of \(runCount)")
      let canaries = GradientCanaries(
        capacity, limit: wanted - scores.count, sites: study.sites, seed: settings.seed,
        run: run)
      let observed = try await replica.run(.gradientCanaries, run, canaries: canaries)
      scores += canaries.scores(observed.observations)
    }
    return try fact(
      "gradient canaries",
      "added at the released vectors with the largest norm the proof allows, one coordinate each;"
        + " attacker sees every release, knows all other patients and their part in sampling",
      scores, runCount: runCount, ceiling)
  }

  private func patientCanaries(
    _ ceiling: ProvenCeiling
  ) async throws -> AuditFacts.CanaryFacts {
    let perRun = min(Self.patientCanariesPerRun, settings.patientCanaryCount)
    let runCount = (settings.patientCanaryCount + perRun - 1) / perRun
    var scores: [CanaryScore] = []
    for run in 0..<runCount {
      await report("patient canaries, run \(run + 1) of \(runCount)")
      let canaries = try PatientCanaries(
        count: perRun, like: replica.cohorts, plan: study.plan, sites: study.sites,
        seed: settings.seed, run: run)
      let observed = try await replica.run(
        .patientCanaries, run, over: try canaries.added(to: replica.cohorts))
      scores += try canaries.scores(observed.observations, plan: study.plan)
    }
    return try fact(
      "patient canaries",
      "rows with values at the ends of their ranges in the sites' tables; attacker sees every"
        + " release, knows all other patients and each canary's exact contribution",
      scores, runCount: runCount, ceiling)
  }

  private func fact(
    _ attack: String, _ attacked: String, _ scores: [CanaryScore], runCount: Int,
    _ ceiling: ProvenCeiling
  ) throws -> AuditFacts.CanaryFacts {
    let outcome = try GuessRule.outcome(scores, delta: privacy.goal.delta)
    return .init(
      attack: attack, attacked: attacked, canaryCount: scores.count, runCount: runCount,
      guessCount: outcome.guessCount, correctCount: outcome.correctCount,
      epsilonLowerBound: outcome.epsilonLowerBound, confidence: 1 - GuessRule.significance,
      provenEpsilon: privacy.epsilon, area: ReceiverOperatingCurve(scores).area,
      areaCeiling: try ceiling.area())
  }

  // MARK: - Single releases

  private func releases(_ probe: Replica.Run) async throws -> [AuditFacts.ReleaseFacts] {
    guard settings.releaseRunCount > 0 else { return [] }
    var facts: [AuditFacts.ReleaseFacts] = []
    var seen: Set<NoiseRequirement> = []
    for observation in probe.observations {
      guard seen.insert(observation.noise).inserted else { continue }
      let purpose = observation.question.purpose
      await report("\(purpose), with and without a patient")
      var cost = PrivacyCost()
      cost.add(observation.noise, study: "")
      let bounds = try await NeighbourTest(
        replica: replica, question: observation.question, noise: observation.noise,
        runCount: settings.releaseRunCount
      ).bounds(delta: privacy.goal.delta)
      let hasMu = observation.noise.samplingRate >= 1
      facts.append(
        .init(
          release: purpose, runCount: settings.releaseRunCount,
          epsilonLowerBound: bounds.epsilon, confidence: 0.95,
          provenEpsilon: cost.epsilon(delta: privacy.goal.delta),
          muLowerBound: hasMu ? bounds.mu : nil, muConfidence: NeighbourTest.muConfidence,
          provenMu: hasMu ? observation.noise.squaredMu.squareRoot() : nil))
    }
    return facts
  }

  // MARK: - Membership

  private func membership(
    _ ceiling: ProvenCeiling
  ) async throws -> (facts: [AuditFacts.MembershipFacts], bound: AuditFacts.CanaryFacts?) {
    guard settings.shadowCount > 0 else { return ([], nil) }
    var facts: [AuditFacts.MembershipFacts] = []
    var bound: AuditFacts.CanaryFacts?
    for hasNoise in settings.hasNoise ? [true, false] : [false] {
      let target = Replica(
        study: study, cohorts: replica.cohorts, seed: settings.seed, hasNoise: hasNoise)
      let count = settings.shadowCount
      let words = hasNoise ? "" : " without noise"
      let attack = try await LikelihoodRatioAttack(target, count: count) { number in
        await report("shadow models\(words), \(number + 1) of \(count)")
      }
      let curve = ReceiverOperatingCurve(attack.scores.flatMap { $0 })
      func ceilingRate(_ rate: Double) throws -> Double {
        hasNoise ? try ceiling.truePositiveRate(atFalsePositiveRate: rate) : 1
      }
      let name = study.plan.models.first?.name ?? ""
      facts.append(
        .init(
          model: hasNoise ? name : "\(name), noise left out", hasNoise: hasNoise,
          shadowCount: attack.scores.count, patientCount: attack.scores[0].count,
          area: curve.area,
          truePositiveRateAtThousandth: curve.truePositiveRate(atFalsePositiveRate: 0.001),
          truePositiveRateAtHundredth: curve.truePositiveRate(atFalsePositiveRate: 0.01),
          areaCeiling: hasNoise ? try ceiling.area() : 1,
          ceilingAtThousandth: try ceilingRate(0.001),
          ceilingAtHundredth: try ceilingRate(0.01)))
      if hasNoise == settings.hasNoise {
        bound = try fact(
          "real patients",
          "every training patient in or out of one model; attacker sees the model and"
            + " \(attack.scores.count - 1) shadow models", attack.scores[0], runCount: 1, ceiling)
      }
    }
    return (facts, bound)
  }

  // MARK: - Reconstruction

  /// What was rebuilt, or why nothing was tried.
  private func inversions() async throws -> ([AuditFacts.InversionFacts], omission: String?) {
    guard settings.inversionTargetCount > 0 else {
      return ([], "Not tried: no targets were asked for.")
    }
    let hasGradientSteps = study.plan.models.contains {
      if case .trees = $0.training { false } else { true }
    }
    guard hasGradientSteps else { return ([], Self.noRowsInHistograms) }
    var runs: [Replica.Run] = []
    for run in 0..<Self.inversionRuns {
      await report("rebuilding patients, run \(run + 1) of \(Self.inversionRuns)")
      runs.append(try await replica.run(.inversion, run))
    }
    let found = try GradientInversion(
      replica, runs: runs, targetCount: settings.inversionTargetCount)?.facts()
    return (found ?? [], found == nil ? "Not tried: the replica took no training step." : nil)
  }

  private static let noRowsInHistograms = """
    Does not apply: every model of this study is made of trees. What is opened for them are noisy sums by \
    bin of a feature or by leaf over all patients; no step sends one patient's update, of which the row could \
    be read off. What the sums say about one patient is what the canaries and single releases measure.
    """
}
