import Synchronization

/// Notes what left the hospitals while a study runs, for the report's last page.
final class DisclosureLedger: Sendable {
  private struct Notes {
    var records: [StudyResult.DisclosureRecord] = []
    var sumsBySite: [String: Int] = [:]
    var sumCount = 0
    var absences: [String: [String]] = [:]
  }

  private let notes = Mutex(Notes())

  /// In the order in which each kind of disclosure happened first.
  var records: [StudyResult.DisclosureRecord] { notes.withLock { $0.records } }
  /// How many sums there were, and in how many of them a site took part.
  var sumCount: Int { notes.withLock { $0.sumCount } }

  func sumsTakenPart(by site: String) -> Int { notes.withLock { $0.sumsBySite[site] ?? 0 } }

  /// Per site, the purposes of the per-site queries that it did not answer.
  var absences: [String: [String]] { notes.withLock { $0.absences } }

  func note(_ query: SumQuery, _ total: Total, stage: String) {
    notes.withLock { notes in
      notes.sumCount += 1
      for site in total.participants { notes.sumsBySite[site, default: 0] += 1 }
      Self.add(
        to: &notes.records, stage: stage, purpose: query.purpose, kind: "secure sum",
        values: total.count, sites: total.participants.count)
    }
  }

  func note(_ query: SiteQuery, _ answers: SiteAnswers, stage: String) {
    notes.withLock { notes in
      for site in answers.absences.keys {
        notes.absences[site, default: []].append(query.purpose)
      }
      let largest = answers.answers.values.map { $0.canonicalBytes.count }.max() ?? 0
      Self.add(
        to: &notes.records, stage: stage, purpose: query.purpose, kind: "site answer",
        values: largest, sites: answers.answers.count)
    }
  }

  private static func add(
    to records: inout [StudyResult.DisclosureRecord], stage: String, purpose: String,
    kind: String, values: Int, sites: Int
  ) {
    if let index = records.firstIndex(where: {
      $0.stage == stage && $0.purpose == purpose && $0.kind == kind
    }) {
      records[index].queryCount += 1
      records[index].valueCount = max(records[index].valueCount, values)
      records[index].fewestSites = min(records[index].fewestSites, sites)
    } else {
      records.append(
        .init(
          stage: stage, purpose: purpose, kind: kind, queryCount: 1, valueCount: values,
          fewestSites: sites))
    }
  }
}
