/// What a plan will ask, for policies and review sheets.
extension StudyPlan {
  /// Every kind of query the plan cannot do without. `ownModel` is needed only for a disclosure that
  /// a site may decline, so it is not listed.
  public var neededQueries: Set<QueryKind> {
    let votes: Set<QueryKind> = votes == nil ? [] : [.vote]
    if privacy.goal != nil {
      let steps = models.map { model -> QueryKind in
        if case .trees = model.training { .privateTrees } else { .privateStep }
      }
      return votes.union(steps)
        .union([.marginals, .privatePerformance, .privateDistribution])
    }
    var kinds = votes.union([.profile, .performance, .distribution])
    if records != nil { kinds.formUnion([.flow, .cohortFlow, .harmonisation]) }
    for feature in cohort.features {
      switch feature.kind {
      case .number: kinds.formUnion([.quantileCounts, .moments])
      case .category(let levels):
        kinds.insert(.categoryCounts)
        if levels == nil { kinds.insert(.vocabulary) }
      case .flag: break
      }
    }
    if let selection {
      kinds.insert(.screen)
      if selection.stable != nil { kinds.insert(.directions) }
      if selection.duplicates != nil { kinds.insert(.crossProducts) }
    }
    if !numbers(imputedBy: .chained).isEmpty { kinds.insert(.crossProducts) }
    for model in models {
      switch model.training {
      case .newton: kinds.insert(.newton)
      case .federatedAveraging: kinds.insert(.averaging)
      case .trees(let settings):
        kinds.formUnion([settings.learner == .additive ? .shapes : .treeGrowth, .contributions])
        if settings.explanation == .interventional { kinds.insert(.background) }
      }
    }
    return kinds
  }
}
