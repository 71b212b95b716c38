import Cohort
import LinearModels
import Synchronization

/// Aggregate checks (PRIVACY-CORE §2.8): what the totals of honest sites must have in common. They
/// find gross faults, of a site or of an aggregator that colludes with one, and name the question;
/// who it was is found by auditing the round (`wardround site reproduce`).
///
/// The same sites have the same training patients, whatever they are asked: every feature's levels,
/// every Newton step and every averaging round over one set of sites must count as many. Totals with
/// noise are left alone.
final class TotalChecks: Sendable {
  private struct Count {
    let value: Int64
    let purpose: String
  }

  /// Training patients by the sites in a total.
  private let counts = Mutex<[[String]: Count]>([:])

  /// Throws `implausibleTotal` for a total that cannot stand beside those before it.
  func check(_ query: SumQuery, _ total: Total) throws {
    for count in try Self.trainingCounts(query, total) {
      try require(count, query.purpose, total.participants)
    }
    switch query {
    case .below(let requests):
      let values = total.values
      var end = 0
      for request in requests {
        end += request.probes.count + 1
        try requireAtMost(values[end - 1], query.purpose, total.participants)
      }
    case .moments(let requests):
      let values = total.values
      for index in requests.indices {
        try requireAtMost(values[3 * index], query.purpose, total.participants)
      }
    case .crossProducts(let products):
      let length = ChainedEquations.sumCount(products.transform)
      let values = total.values
      for index in products.targets.indices {
        try requireAtMost(
          ChainedEquations.rowCount(values[(index * length)...]), query.purpose,
          total.participants)
      }
    case .vote:
      guard let against = total.values.first, 0...Int64(total.participants.count) ~= against else {
        throw StudyError(
          .implausibleTotal,
          "the \(query.purpose) counts more votes than sites took part; a site voted for several")
      }
    case .averaging:
      guard let sites = total.values.last, sites <= Int64(total.participants.count) else {
        throw StudyError(
          .implausibleTotal,
          "the \(query.purpose) counts more sites than took part; a site answered for several")
      }
    default: break
    }
  }

  /// Every statement of a total about the number of training patients.
  private static func trainingCounts(_ query: SumQuery, _ total: Total) throws -> [Int64] {
    switch query {
    case .profile: return total.values.prefix(1).map { $0 }
    case .levels(let requests):
      let values = total.values
      var start = 0
      return requests.map { request in
        let end = start + request.levels.count + 2
        defer { start = end }
        return values[start..<end].reduce(0, &+)
      }
    case .newton(let query):
      let values = total.values
      let length = LogisticNewton.vectorLength(featureCount: query.transform.columnCount)
      return query.fits.indices.filter { query.fits[$0].excludedSite == nil }
        .map { values[($0 + 1) * length - 3] }
    case .averaging:
      let values = total.values
      return [values[values.count - 4]]
    case .screen(let query):
      let values = total.values
      var start = 0
      return query.features.map { request in
        let end = start + 2 * (request.bins.count + 1)
        defer { start = end }
        return values[start..<end].reduce(0, &+)
      }
    case .flow, .below, .directions, .moments, .crossProducts, .marginals, .privateStep,
      .privateTrees, .treeGrowth, .shapes, .contributions, .background, .vote:
      return []
    }
  }

  private func require(_ count: Int64, _ purpose: String, _ sites: [String]) throws {
    let known = counts.withLock { counts in
      let known = counts[sites]
      if known == nil { counts[sites] = Count(value: count, purpose: purpose) }
      return known
    }
    guard let known, known.value != count else { return }
    throw StudyError(
      .implausibleTotal,
      "the \(purpose) and the \(known.purpose) count different numbers of training patients over the"
        + " same sites; a site answered one of them wrongly")
  }

  private func requireAtMost(_ count: Int64, _ purpose: String, _ sites: [String]) throws {
    guard let known = counts.withLock({ $0[sites] }), count > known.value else { return }
    throw StudyError(
      .implausibleTotal,
      "the \(purpose) count more values than the \(known.purpose) count training patients over the"
        + " same sites; a site answered one of them wrongly")
  }
}
