/// Voting on models (PRIVACY-CORE §2.8).
extension StudyProgram {
  /// The votes on one model while it is trained.
  struct Ballot {
    let specification: VoteSpecification
    let model: String
    let noise: NoiseRequirement?
    /// What the sites accepted last; before the first vote, where training starts.
    var accepted: [Double]
  }

  /// The ballot of a model that has not been trained yet; nil when the plan has no votes.
  ///
  /// - Parameter start: its parameters before the first step, intercept first.
  func ballot(_ model: String, start: [Double], noise: NoiseRequirement? = nil) -> Ballot? {
    plan.votes.map { Ballot(specification: $0, model: model, noise: noise, accepted: start) }
  }

  /// Asks the sites about a model, if it is time to, and goes on with it as the accepted one. Before a
  /// model is released they are asked once more, whether it is better than to give everybody the
  /// prevalence of the training patients, or under differential privacy even odds.
  ///
  /// - Parameters:
  ///   - step: training steps behind the model.
  ///   - isLast: whether it is about to be released.
  ///
  /// Throws `modelRejected` when the sites are against it.
  func vote(
    _ candidate: [Double], after step: Int, isLast: Bool, _ preparation: Preparation,
    _ ballot: inout Ballot?
  ) async throws {
    guard let current = ballot, current.specification.isDue(after: step, isLast: isLast) else {
      return
    }
    try await ask(
      candidate, step, against: current.accepted, "the model before it", preparation, current)
    ballot?.accepted = candidate
    guard isLast else { return }
    // Even odds under differential privacy: a large poisoner shifts the noisy prevalence as well.
    let evenOdds = candidate.map { _ in 0.0 }
    guard current.noise == nil else {
      return try await ask(
        candidate, step, against: evenOdds, "giving everybody even odds", preparation, current)
    }
    var prevalence = evenOdds
    prevalence[0] = Self.startingIntercept(preparation.profile)
    try await ask(
      candidate, step, against: prevalence, "giving everybody the prevalence", preparation,
      current)
  }

  private func ask(
    _ candidate: [Double], _ step: Int, against reference: [Double], _ words: String,
    _ preparation: Preparation, _ ballot: Ballot
  ) async throws {
    let total = try await sum(
      .vote(
        .init(
          transform: preparation.transform, model: ballot.model, step: step,
          candidate: candidate, reference: reference,
          tolerance: ballot.specification.tolerance, noise: ballot.noise)), stage: "fit")
    let voters = total.participants.count
    let against = total.values.first ?? 0
    guard ballot.specification.stops(against: against, voters: voters) else { return }
    throw StudyError(
      .modelRejected,
      "\(against) of \(voters) sites voted against the model `\(ballot.model)` after step \(step): on"
        + " their own holdouts it is worse than \(words). A site's training answers may be poisoned, or"
        + " its data wrong; let the sites compute their answers of the steps since the last vote again"
        + " before an auditor (`wardround site reproduce`)")
  }
}
