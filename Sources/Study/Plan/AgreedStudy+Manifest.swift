import Cryptography
import SecureAggregation

extension AgreedStudy {
  /// The manifest that the sites of this study sign. The aggregator makes it, and every site makes it
  /// again and compares: all of it follows from the plan and the roster, but for the aggregator's name
  /// and the number of sites that the strictest site asks for.
  ///
  /// - Throws: `invalidPlan` when so many sites cannot carry the colluders that the plan assumes; what
  ///   `Manifest` throws.
  public func manifest(
    aggregatorName: String, aggregatorKey: VerifyingKey, roster: [Manifest.Member],
    minimumSites: Int
  ) throws -> Manifest {
    let colluders = plan.privacy.effectiveColluders(siteCount: roster.count)
    guard colluders == plan.privacy.maximumColluders else {
      throw StudyError(
        .invalidPlan,
        "the study assumes up to \(plan.privacy.maximumColluders) sites that collude with the"
          + " aggregator, and \(roster.count) sites carry \(colluders): lower `maximum_colluders`, or"
          + " win more sites")
    }
    return try Manifest(
      studyIdentifier: plan.id, purpose: plan.title, aggregatorName: aggregatorName,
      aggregatorKey: aggregatorKey, roster: roster, minimumSites: minimumSites,
      maximumColluders: colluders, programDigest: digest)
  }
}
