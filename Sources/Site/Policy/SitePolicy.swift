import SiteData
import Study

/// What a hospital allows, whatever a study asks: the local policy always wins.
public struct SitePolicy: Sendable, Hashable {
  /// Fewest patients the site's cohort must have before anything about it is answered.
  public var minimumCohort: Int
  /// Fewest sites in a sum that the site takes part in, at least 3.
  public var minimumSites: Int
  /// Fewest patients in a cell that the site publishes in clear.
  public var minimumCell: Int
  /// Queries the site answers.
  public var allowedQueries: Set<QueryKind>
  /// Disclosures allowed by name; none by default.
  public var disclosures: Set<Disclosure>
  /// Approve studies that fit this policy without asking a person; off by default.
  public var autoApprove: Bool
  /// The sites with which this one takes part in studies; nil for all members of the network.
  public var members: Set<String>?
  /// Whether a study without noise may ask again what an earlier one asked, over nearly the same patients
  /// or hospitals.
  public var allowsNearRepetition = false
  /// What a patient may lose to studies under differential privacy.
  public var privacy: PrivacyBudget

  public init(
    minimumCohort: Int = 50, minimumSites: Int = 3, minimumCell: Int = 10,
    allowedQueries: Set<QueryKind> = Set(QueryKind.allCases), disclosures: Set<Disclosure> = [],
    autoApprove: Bool = false, members: Set<String>? = nil,
    privacy: PrivacyBudget = PrivacyBudget()
  ) {
    self.minimumCohort = minimumCohort
    self.minimumSites = minimumSites
    self.minimumCell = minimumCell
    self.allowedQueries = allowedQueries
    self.disclosures = disclosures
    self.autoApprove = autoApprove
    self.members = members
    self.privacy = privacy
  }

  /// Why a plan cannot be approved under this policy, in words; empty when it can.
  public func objections(to plan: StudyPlan) -> [String] {
    var objections: [String] = []
    if plan.privacy.minimumSites < minimumSites {
      objections.append(
        "the study opens sums of \(plan.privacy.minimumSites) sites; this site's policy asks for at"
          + " least \(minimumSites)")
    }
    if plan.privacy.minimumCell < minimumCell {
      objections.append(
        "the study publishes cells of \(plan.privacy.minimumCell) patients; this site's policy asks"
          + " for at least \(minimumCell)")
    }
    if privacy.isRequired, plan.privacy.goal == nil {
      objections.append(
        "the study has no differential privacy, which this site's policy asks for")
    }
    for kind in plan.neededQueries.subtracting(allowedQueries).sorted(by: {
      $0.rawValue < $1.rawValue
    }) {
      objections.append(
        "the study needs the query `\(kind.rawValue)`, which this site does not allow")
    }
    return objections
  }

  /// The disclosures of a plan that this site takes part in.
  public func allowedDisclosures(of plan: StudyPlan) -> [Disclosure] {
    Disclosure.allCases.filter {
      plan.validation.disclosures.contains($0) && disclosures.contains($0)
    }
  }
}
