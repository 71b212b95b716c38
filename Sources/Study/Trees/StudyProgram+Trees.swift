import BoostedTrees
import Cohort

/// Growing trees from secure sums.
extension StudyProgram {
  /// Patients whose contributions are summed, about: fewer for models of many nodes, whose patients
  /// take longer.
  private static let explainedPatients = 1000.0
  private static let explainedNodes = 5e6
  /// Patients that contributions are measured against, about, and the most that their counting costs.
  private static let backgroundPatients = 10_000.0
  private static let backgroundNodes = 2e7

  /// Fits one model of trees and explains it.
  func trees(
    _ model: ModelSpecification, _ settings: TreeSettings, _ preparation: Preparation,
    cuts: [Int: [Double]], from start: Double, span: Double
  ) async throws -> FittedModel {
    let profile = preparation.profile
    let rarer = min(
      profile.trainingEventCount, profile.trainingCount - profile.trainingEventCount)
    let (settings, stopping) = settings.used(events: rarer)
    var model = model
    model.training = .trees(settings)
    let context = TreeContext(
      model: model, settings: settings,
      columns: try treeColumns(settings, preparation, cuts: cuts),
      patientCount: profile.trainingCount + profile.holdoutCount, start: start,
      span: 0.95 * span)
    var fitted =
      settings.learner == .additive ? try await additive(context) : try await grow(context)
    fitted.stopping = stopping
    await report("fit", "\(model.name): \(fitted.costInWords)", start + 0.95 * span)
    if settings.explanation == .interventional {
      await report("explain", "\(model.name): counting background patients", start + 0.95 * span)
      try await setBackground(&fitted, profile)
    }
    await report("explain", "\(model.name): summing contributions", start + 0.95 * span)
    try await explain(&fitted, profile)
    return FittedModel(
      name: model.name, training: settings.inWords, coefficients: [],
      standardErrors: nil, columns: [], iterationCount: fitted.roundCount, converged: true,
      trainingLogLoss: settings.learner == .randomForest || settings.objective != .logistic
        ? nil : fitted.keptLoss?.training,
      trees: fitted)
  }

  /// What one training needs to know.
  private struct TreeContext {
    let model: ModelSpecification
    let settings: TreeSettings
    let columns: TreeColumns
    let patientCount: Int
    let start: Double
    let span: Double

    func fraction(_ done: Int) -> Double {
      start + span * min(1, Double(done) / Double(max(settings.treeCount, 1)))
    }
  }

  private func grow(_ context: TreeContext) async throws -> FittedTrees {
    let plan = try context.settings.trainingPlan(
      features: context.columns.bins, patientCount: context.patientCount,
      outcome: self.plan.cohort.outcome)
    var trainer = try EnsembleTrainer(plan: plan, features: context.columns.bins)
    var history: [GrowthQuery] = []
    // Whose patients the present trees are grown on.
    var sites: [String] = []
    var roundCount = 0
    var valueCount = 0
    while let step = trainer.query {
      if trainer.beginsBatch {
        let started = trainer.startedTreeCount
        await report(
          "fit", "\(context.model.name): tree \(started) of at most \(plan.treeCount)",
          context.fraction(started))
      }
      let query = SumQuery.TreeGrowthQuery(
        model: context.model, columns: context.columns, patientCount: context.patientCount,
        step: step, history: history, length: trainer.answerCount,
        companions: trainer.beginsBatch ? [] : sites)
      let total = try await sum(.treeGrowth(query), stage: "fit")
      history.append(step)
      roundCount += 1
      valueCount += total.count
      if trainer.beginsBatch {
        sites = total.participants
      } else if !Set(sites).isSubset(of: total.participants) {
        // The sites that were left gave zeros: see `SumQuery.companions`.
        trainer.closeBatch()
        continue
      }
      do {
        try total.withValues { (values) throws(BoostedTreesError) in try trainer.absorb(values) }
      } catch {
        throw Self.treeError(error, model: context.model.name)
      }
    }
    let ensemble = trainer.model
    return FittedTrees(
      learner: context.settings.learner,
      model: try TreeModel(
        columns: context.columns, content: .ensemble(ensemble),
        target: target(context, trainer.keptLoss)),
      treeCount: ensemble.trees.count / max(ensemble.baseMargins.count, 1),
      grownCount: trainer.grownTreeCount,
      roundCount: roundCount, valueCount: valueCount, losses: trainer.losses,
      keptLoss: trainer.keptLoss, explainedCount: 0, contributions: [])
  }

  private func additive(_ context: TreeContext) async throws -> FittedTrees {
    let plan = try context.settings.additivePlan(
      features: context.columns.bins, patientCount: context.patientCount,
      outcome: self.plan.cohort.outcome)
    var trainer = try AdditiveTrainer(plan: plan, features: context.columns.bins)
    var history: [AdditiveQuery] = []
    // Whose patients were counted at which margins.
    var sites: [AdditiveTrainer<Objective>.Margins: [String]] = [:]
    var valueCount = 0
    while let step = trainer.query {
      if trainer.passCount % 10 == 0 {
        await report(
          "fit",
          "\(context.model.name): pass \(trainer.passCount + 1) of at most \(plan.passCount)",
          context.fraction(trainer.passCount))
      }
      let query = SumQuery.ShapeQuery(
        model: context.model, columns: context.columns, patientCount: context.patientCount,
        step: step, history: history, length: trainer.answerCount,
        companions: trainer.margins == .others ? [] : sites[trainer.margins] ?? [])
      let total = try await sum(.shapes(query), stage: "fit")
      history.append(step)
      valueCount += total.count
      guard Set(query.companions).isSubset(of: total.participants) else {
        trainer.closePairs()
        continue
      }
      sites[trainer.margins] = total.participants
      do {
        try trainer.absorb(total.values)
      } catch {
        throw Self.treeError(error, model: context.model.name)
      }
    }
    return FittedTrees(
      learner: .additive,
      model: try TreeModel(
        columns: context.columns, content: .additive(trainer.model),
        target: target(context, trainer.keptLoss)),
      treeCount: trainer.keptPassCount, grownCount: trainer.passCount,
      roundCount: trainer.roundCount, valueCount: valueCount, losses: trainer.losses,
      keptLoss: trainer.keptLoss, explainedCount: 0, contributions: [])
  }

  /// What is predicted, where that is not the event; a number's spread is that of the patients who measured
  /// the loss, of the training patients where nobody is kept aside for it.
  private func target(_ context: TreeContext, _ loss: MeasuredLoss?) -> ValueTarget? {
    let outcome = plan.cohort.outcome
    guard context.settings.objective != .logistic, let values = outcome.values else { return nil }
    return ValueTarget(
      values: values, event: outcome.positive,
      spread: ValueTarget.spread(
        meanLoss: loss?.evaluation ?? loss?.training ?? 0, of: values),
      unit: outcome.unit)
  }

  /// Counts the patients that contributions are measured against. Trees that are too deep for it, and a
  /// sample of very few, leave the model to its covers, as the report says.
  private func setBackground(_ fitted: inout FittedTrees, _ profile: Profile) async throws {
    guard case .ensemble(let ensemble) = fitted.model.content else { return }
    let nodes = ensemble.trees.reduce(0) { $0 + $1.nodes.count }
    let patients = min(
      Self.backgroundPatients, max(100, Self.backgroundNodes / Double(max(nodes, 1))))
    let share = min(1, patients / Double(max(profile.trainingCount, 1)))
    guard let query = SumQuery.BackgroundQuery(model: fitted.model, share: share) else { return }
    let total = try await sum(.background(query), stage: "explain")
    guard total.values.first ?? 0 >= Int64(max(plan.privacy.minimumCell, 1)) else { return }
    do {
      fitted.model = try TreeModel(
        columns: fitted.model.columns, content: fitted.model.content,
        target: fitted.model.target,
        background: try query.patterns.merging(
          total.values, below: max(plan.privacy.minimumCell, 1)))
    } catch {
      throw Self.treeError(error, model: "background")
    }
  }

  /// Sums what each feature contributes, over about a thousand training patients of all sites.
  private func explain(_ fitted: inout FittedTrees, _ profile: Profile) async throws {
    var patients = Self.explainedPatients
    if case .ensemble(let ensemble) = fitted.model.content {
      let nodes = ensemble.trees.reduce(0) { $0 + $1.nodes.count }
      patients = min(patients, max(100, Self.explainedNodes / Double(max(nodes, 1))))
    }
    let query = SumQuery.ContributionQuery(
      model: fitted.model, share: min(1, patients / Double(max(profile.trainingCount, 1))))
    let total = try await sum(.contributions(query), stage: "explain")
    let features = fitted.model.columns.features
    // A small study may have drawn nobody, or so few that nothing may be said of them.
    guard total.values.first ?? 0 >= Int64(max(plan.privacy.minimumCell, 1)) else { return }
    let summary: ContributionSummary
    do {
      summary = try ContributionSummary(
        total: total.values, features: fitted.model.columns.bins,
        patientLimit: TreeSettings.patientLimit(
          profileCount: profile.trainingCount + profile.holdoutCount),
        minimumCellCount: plan.privacy.minimumCell)
    } catch {
      throw Self.treeError(error, model: "contributions")
    }
    fitted.explainedCount = Int(summary.patientCount)
    let minimum = max(plan.privacy.minimumCell, Int(summary.patientCount) / 20, 1)
    let unit = fitted.model.target?.contributionUnit ?? 1
    fitted.contributions = features.indices.map { index in
      let isNumber = if case .number = features[index] { true } else { false }
      return FeatureContribution(
        features[index], importance: unit * summary.importance[index],
        counts: summary.counts[index], sums: summary.sums[index].map { unit * $0 },
        minimumCount: isNumber ? minimum : max(plan.privacy.minimumCell, 1),
        minimumCell: plan.privacy.minimumCell)
    }
  }

  static func treeError(_ error: BoostedTreesError, model: String) -> StudyError {
    switch error.code {
    case .totalOutOfRange, .totalInconsistent, .totalLength:
      StudyError(
        .implausibleTotal,
        "the sums for the model `\(model)` cannot come from patients: \(error.message); a site"
          + " answered wrongly")
    case .noPatients, .oneOutcomeClass:
      StudyError(
        .tooFew,
        "no site in the sums of the model `\(model)` has training patients with and without the"
          + " outcome; wait for more sites or widen the cohort")
    default:
      StudyError(
        .notEstimable, "the model `\(model)` cannot be grown: \(error.message)")
    }
  }
}
