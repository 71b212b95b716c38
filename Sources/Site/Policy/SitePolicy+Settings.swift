import SiteData
import Study

extension SitePolicy {
  /// The policy section of a `site.yaml`, whose words were checked against the known ones when it
  /// was read.
  public init(_ settings: PolicySettings) {
    self.init(
      minimumCohort: settings.minimumCohort,
      minimumSites: max(3, settings.minimumSitesInSum),
      minimumCell: settings.minimumCell,
      allowedQueries: settings.allowedQueries.map { Set($0.compactMap(QueryKind.init)) }
        ?? Set(QueryKind.allCases),
      disclosures: Set(settings.disclose.compactMap(Disclosure.init)),
      autoApprove: settings.autoApprove, members: settings.members.map(Set.init),
      privacy: settings.privacy)
    allowsNearRepetition = settings.nearRepetition
  }
}
