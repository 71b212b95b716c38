import Cohort
import DifferentialPrivacy
import LinearModels

/// Everything a study under differential privacy will release, planned before the first number
/// leaves: what, how often, with how much noise, and what it costs.
///
/// The currency is μ² of Gaussian differential privacy, which adds up exactly over releases (Dong,
/// Roth and Su 2022). Training and holdout patients are different people, so the plan's cost is that of
/// the releases about everybody plus the larger of the two groups' costs.
public struct PrivacyPlan: Sendable, Hashable {
  /// What is released.
  public enum Content: Sendable, Hashable {
    /// Counts per bin of every feature over the training patients: a secure sum.
    case marginals
    /// One step of a model, by its position in the plan: secure sums.
    case fit(model: Int)
    /// One step that weighs a model of trees whose form is known, by its position: secure sums.
    case weights(model: Int)
    /// Votes on a model, by its position in the plan: secure sums of what each site decides by a noisy
    /// number of its own.
    case votes(model: Int)
    /// Risks by outcome over each site's holdout: site answers.
    case performance
    /// Counts per bin of every feature at each site: site answers.
    case distribution
  }

  /// One planned kind of release.
  public struct Release: Sendable, Hashable {
    public var content: Content
    /// The same in words.
    public var purpose: String
    /// How often it is released.
    public var count: Int
    public var noise: NoiseRequirement
    /// Whether it is a secure sum (else a site answer).
    public var isSum: Bool

    /// μ² of all its repetitions.
    public var squaredMu: Double { Double(count) * noise.squaredMu }
    /// Standard deviation of the noise in units of what one patient can change: σ/Δ.
    public var noiseMultiplier: Double {
      (Double(noise.variance) / Double(noise.sensitivitySquared)).squareRoot()
    }
  }

  public let goal: PrivacyGoal
  /// In the order of the program.
  public let releases: [Release]

  /// Lattice units of one patient in a cell of counts.
  public static let countUnit: UInt64 = 64
  /// Bins of a numeric feature in the noisy marginals.
  public static let marginalBins = 32
  /// Newton steps where the plan does not say how many.
  public static let newtonSteps = 3
  /// Share of the budget that goes to the drift comparison, to the preparation, and the rest of a
  /// training patient's budget to the models, of a holdout patient's to the performance.
  static let driftShare = 0.05
  static let preparationShare = 0.1
  /// Share of a holdout patient's budget that goes to votes, where the plan has them.
  static let voteShare = 0.15

  /// Plans a study's releases; nil for a study without a privacy goal.
  ///
  /// Throws `invalidPlan` where the study asks for what cannot be released with noise, saying what to
  /// change.
  public init?(_ plan: StudyPlan) throws(StudyError) {
    guard let goal = plan.privacy.goal else { return nil }
    try Self.refuseWhatHasNoNoise(plan)
    self.goal = goal
    let budget = try Self.squaredMu(goal)
    let features = UInt64(plan.cohort.features.count)
    let cells = Self.countUnit * Self.countUnit
    let linked = UInt64(goal.linkedSites)
    var releases: [Release] = []
    func add(
      _ content: Content, _ purpose: String, count: Int, squared: UInt64, group: PatientGroup,
      share: Double, isSum: Bool
    ) {
      // The same person at several sites moves a sum by that many times as much; site answers are
      // separate releases, one per site.
      let sensitivity = squared * linked * (isSum ? linked : 1)
      let perRelease = budget * share / Double(count)
      let variance = (Double(sensitivity) / perRelease).rounded(.up)
      releases.append(
        Release(
          content: content, purpose: purpose, count: count,
          noise: NoiseRequirement(
            variance: UInt64(min(variance, 0x1p62)) + NoiseRequirement.latticeLoss,
            sensitivitySquared: sensitivity, group: group),
          isSum: isSum))
    }
    add(
      .marginals, "feature counts", count: 1, squared: cells * (features + 1), group: .training,
      share: Self.preparationShare, isSum: true)
    let fitShare =
      (1 - Self.driftShare - Self.preparationShare) / Double(max(plan.models.count, 1))
    for (index, model) in plan.models.enumerated() {
      switch model.training {
      case .trees(let settings):
        try Self.check(model.name, settings)
        let steps = settings.privateSteps(featureCount: plan.cohort.features.count)
        for (content, step) in [
          (.fit(model: index), steps.form), (.weights(model: index), steps.weights),
        ] as [(Content, TreeSettings.PrivateStep?)] {
          guard let step else { continue }
          add(
            content, "\(model.name): \(step.purpose)", count: step.count,
            squared: step.squaredSensitivity, group: .training, share: fitShare * step.share,
            isSum: true)
        }
      case .newton(let settings):
        let largest = Self.largestDesign(plan)
        let sensitivity = UInt64(PrivateNewton.sensitivity(featureCount: largest))
        add(
          .fit(model: index), "\(model.name): Newton step",
          count: settings.privateSteps, squared: sensitivity * sensitivity, group: .training,
          share: fitShare, isSum: true)
      case .federatedAveraging(let settings):
        // With an adaptive bound the same vector holds the count of those within it: one release.
        add(
          .fit(model: index),
          "\(model.name): gradient step"
            + (settings.adaptiveClipping == nil ? "" : " and count within the clip"),
          count: settings.rounds, squared: PrivateGradient.squaredSensitivity(settings),
          group: .training, share: fitShare, isSum: true)
        releases[releases.count - 1].noise.samplingRate = settings.samplingRate
      }
    }
    if let votes = plan.votes {
      for (index, model) in plan.models.enumerated() {
        // Each patient counts at most one unit at each site's own noisy number.
        add(
          .votes(model: index), "\(model.name): vote",
          count: votes.count(steps: model.privateSteps),
          squared: cells, group: .holdout, share: Self.voteShare / Double(plan.models.count),
          isSum: false)
      }
    }
    add(
      .performance, "performance on own holdout", count: 1,
      squared: cells * UInt64(plan.models.count), group: .holdout,
      share: 1 - Self.driftShare - (plan.votes == nil ? 0 : Self.voteShare), isSum: false)
    add(
      .distribution, "distributions for drift", count: 1, squared: cells * (features + 1),
      group: .everybody, share: Self.driftShare, isSum: false)
    self.releases = try Self.calibratingSampledSteps(releases, goal)
    guard releases.allSatisfy({ $0.noise.variance < NoiseSchedule.maximumVariance }) else {
      throw StudyError(
        .invalidPlan,
        "the noise for epsilon \(goal.epsilon) over so many releases is beyond the range of the"
          + " sums; raise `epsilon`, or ask for fewer steps")
    }
  }

  /// The noise of one kind of release.
  func noise(of content: Content) throws(StudyError) -> NoiseRequirement {
    guard let release = releases.first(where: { $0.content == content }) else {
      throw StudyError(.invalidPlan, "the privacy plan has no release of this kind")
    }
    return release.noise
  }

  /// What all releases cost together.
  public var cost: PrivacyCost { cost(of: "") }

  /// The same under a study's identifier, beside the costs of other studies.
  public func cost(of study: String) -> PrivacyCost {
    var cost = PrivacyCost()
    for release in releases { cost.add(release.noise, study: study, count: release.count) }
    return cost
  }

  /// The proven ε at the goal's δ.
  public var epsilon: Double { cost.epsilon(delta: goal.delta) }

  /// The most that the study may cost a patient: every release once, and the reserve of reopenings
  /// spent on whichever sum costs the most. What every site's ledger keeps to, whatever the aggregator
  /// does.
  ///
  /// Opened k times, one step with sampling costs more than k steps opened once, and releases without
  /// sampling add up, so the whole reserve on one query is the worst.
  public func largestEpsilon(delta: Double) -> Double {
    let sums = releases.indices.filter { releases[$0].isSum && releases[$0].count > 0 }
    return sums.map { index in
      var cost = PrivacyCost()
      for (position, release) in releases.enumerated() {
        let isOften = position == index
        cost.add(release.noise, study: "", count: release.count - (isOften ? 1 : 0))
        if isOften { cost.add(release.noise, study: "", openings: 1 + goal.reopenings) }
      }
      return cost.epsilon(delta: delta)
    }.max() ?? cost.epsilon(delta: delta)
  }

  /// The ε that remains when this many sites tell the aggregator their noise, over every number of sites
  /// that a sum may have: with m sites in it, the m − c honest ones carry (m − c) times what the schedule
  /// has each of them keep. A schedule with layers is assumed, which never carries more.
  ///
  /// - Parameters:
  ///   - colluders: c, below `threshold`.
  ///   - planned: the number the noise was shared out for (`effectiveColluders`).
  ///   - sites: n.
  ///   - threshold: t, fewest sites in a sum.
  /// - Throws: `DifferentialPrivacyError` for numbers of sites that no schedule has.
  public func epsilon(
    colluders: Int, planned: Int, sites: Int, threshold: Int
  ) throws -> Double {
    var cost = PrivacyCost()
    for release in releases {
      var noise = release.noise
      if release.isSum {
        let schedule = try NoiseSchedule(
          siteCount: sites, colluderCount: planned, threshold: threshold,
          variance: noise.variance, vectorLength: 0)
        noise.variance =
          (threshold...sites).map { survivors in
            UInt64(max(survivors - colluders, 0))
              * schedule.keptVariance(survivorCount: survivors)
          }.min() ?? 0
      }
      cost.add(noise, study: "", count: release.count)
    }
    return cost.epsilon(delta: goal.delta)
  }

  private static func squaredMu(_ goal: PrivacyGoal) throws(StudyError) -> Double {
    do {
      let mu = try GaussianPrivacy.largest(epsilon: goal.epsilon, delta: goal.delta).mu
      guard mu > 1e-9 else { throw DifferentialPrivacyError(.unattainable, "", field: "mu") }
      return mu * mu
    } catch {
      throw StudyError(
        .invalidPlan, "no noise reaches epsilon \(goal.epsilon) at delta \(goal.delta)")
    }
  }

  /// Gives steps with sampling the least noise at which everything together keeps the goal: sampling
  /// hides who took part, so they need less than their share of μ² says.
  private static func calibratingSampledSteps(
    _ releases: [Release], _ goal: PrivacyGoal
  ) throws(StudyError) -> [Release] {
    guard releases.contains(where: { $0.noise.samplingRate < 1 }) else { return releases }
    func planned(_ factor: Double) -> [Release] {
      releases.map { release in
        guard release.noise.samplingRate < 1 else { return release }
        var release = release
        let variance = (Double(release.noise.variance) * factor * factor).rounded(.up)
        release.noise.variance = UInt64(min(max(variance, 16), 0x1p62))
        return release
      }
    }
    func keeps(_ factor: Double) -> Bool {
      var cost = PrivacyCost()
      for release in planned(factor) {
        cost.add(release.noise, study: "", count: release.count)
      }
      return cost.epsilon(delta: goal.delta) <= goal.epsilon
    }
    var low = 1e-3
    var high = 8.0
    guard keeps(high) else {
      throw StudyError(
        .invalidPlan,
        "no noise on the sampled steps keeps epsilon \(goal.epsilon); raise it, or lower `rounds`")
    }
    for _ in 0..<24 {
      let middle = (low * high).squareRoot()
      if keeps(middle) { high = middle } else { low = middle }
    }
    return planned(high)
  }

  /// Most columns the design matrix can have: it is not known before the vocabularies are.
  ///
  /// - Parameter unknownLevels: how many to expect of a category whose levels the plan does not state.
  public static func largestDesign(_ plan: StudyPlan, unknownLevels: Int = 0) -> Int {
    plan.cohort.features.reduce(0) { count, feature in
      switch feature.kind {
      case .number, .flag: count + 2
      case .category(let levels): count + (levels?.count ?? unknownLevels) + 1
      }
    }
  }

  /// Norm to which a patient's row of the design matrix is scaled down, the intercept included. Each
  /// feature adds up to 1 to the squared norm of a centred row; 0.55 of that length did best in
  /// simulations: it costs little bias and saves much noise.
  static func rowBound(_ plan: StudyPlan) -> Double {
    0.55 * Double(1 + plan.cohort.features.count).squareRoot()
  }

  private static func refuseWhatHasNoNoise(_ plan: StudyPlan) throws(StudyError) {
    for feature in plan.cohort.features {
      switch feature.kind {
      case .number(_, nil, _):
        throw StudyError(
          .invalidPlan,
          "under differential privacy the number `\(feature.name)` needs a public `range`: its bins"
            + " may not come from the patients")
      case .category(nil):
        throw StudyError(
          .invalidPlan,
          "under differential privacy the category `\(feature.name)` needs its `levels`: names found"
            + " in the data would be released without noise")
      default: break
      }
    }
    if let disclosure = plan.validation.disclosures.first {
      throw StudyError(
        .invalidPlan,
        "`\(disclosure.rawValue)` shows what cannot be released with noise; remove it from `disclose`,"
          + " or remove `epsilon`")
    }
  }
}

extension ModelSpecification {
  /// Training steps under differential privacy.
  var privateSteps: Int {
    switch training {
    case .newton(let settings): settings.privateSteps
    case .federatedAveraging(let settings): settings.rounds
    case .trees: 0
    }
  }
}

extension ModelSpecification.NewtonSettings {
  /// Steps under differential privacy: each costs budget, so there are few, and a fixed number.
  var privateSteps: Int { min(maximumIterations, PrivacyPlan.newtonSteps) }
}
