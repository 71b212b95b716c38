import Cohort
@testable import LinearModels
import TestSupport
import Testing

@testable import Study

/// Totals that no honest sites produce stop the study with a named error; a site that does not
/// answer is named and the study finishes.
@Suite struct FaultyAnswersTests {
  private func run(
    models: String = SyntheticStudy.newton + SyntheticStudy.averaging("adam"),
    minimumCell: Int = 1,
    total: @escaping @Sendable (SumQuery, Total) throws -> Total = { $1 },
    answers: @escaping @Sendable (SiteQuery, SiteAnswers) throws -> SiteAnswers = { $1 }
  ) async throws -> StudyResult {
    let plan = try SyntheticStudy.plan(
      models: models, disclose: true, minimumCell: minimumCell, declaresWards: false)
    let cohorts = try SyntheticCohort.partition(
      try SyntheticCohort.table(plan, patients: 300, seed: 31), into: 4, seed: 31)
    let study = AgreedStudy.synthetic(plan, sites: cohorts.keys.sorted())
    return try await StudyProgram(
      study,
      over: AlteredFederation(
        PooledFederation(study, cohorts: cohorts), total: total, answers: answers)
    ).run()
  }

  static let sumKinds: [QueryKind] = [
    .profile, .categoryCounts, .quantileCounts, .moments, .newton, .averaging,
  ]

  @Test(arguments: sumKinds) func aTotalOfAnotherLengthIsRefused(kind: QueryKind) async throws {
    for change in [-1, 1] {
      await #expect(throws: StudyError(.implausibleTotal, "")) {
        _ = try await run(total: { query, total in
          guard query.kind == kind else { return total }
          let values = change < 0 ? Array(total.values.dropLast()) : total.values + [0]
          return Total(values: values, participants: total.participants)
        })
      }
    }
    await #expect(throws: StudyError(.implausibleTotal, "")) {
      _ = try await run(total: { query, total in
        query.kind == kind ? Total(values: [], participants: []) : total
      })
    }
  }

  @Test(arguments: [QueryKind.profile, .categoryCounts, .quantileCounts])
  func aNegativeCountIsRefused(kind: QueryKind) async throws {
    await #expect(throws: StudyError(.implausibleTotal, "")) {
      _ = try await run(total: { query, total in
        guard query.kind == kind, !total.values.isEmpty else { return total }
        var values = total.values
        values[values.count / 2] = -1
        return Total(values: values, participants: total.participants)
      })
    }
  }

  @Test func countsThatContradictEachOtherAreRefused() async throws {
    // More events than patients; more values than patients; more "yes" than values.
    for (index, above) in [(1, 0), (3, 2), (4, 0), (11, 10)] {
      await #expect(throws: StudyError(.implausibleTotal, "")) {
        _ = try await run(total: { query, total in
          guard query == .profile else { return total }
          var values = total.values
          values[index] = values[above] + 1
          return Total(values: values, participants: total.participants)
        })
      }
    }
  }

  @Test func theSameSitesHaveTheSamePatientsWhateverTheyAreAsked() async throws {
    // One patient more in a category, in a Newton step, in an averaging round; more values than
    // patients; an answer for two sites.
    for (kind, fromEnd) in [
      (QueryKind.categoryCounts, 1), (.newton, 3), (.averaging, 4), (.averaging, 1),
    ] {
      let error = await #expect(throws: StudyError.self, "\(kind), \(fromEnd)") {
        _ = try await run(total: { query, total in
          guard query.kind == kind else { return total }
          var values = total.values
          if case .newton(let newton) = query {
            values[values.count / newton.fits.count - fromEnd] += 1
          } else {
            values[values.count - fromEnd] += 1
          }
          return Total(values: values, participants: total.participants)
        })
      }
      #expect(error?.code == .implausibleTotal, "\(kind), \(fromEnd)")
      let words = fromEnd == 1 && kind == .averaging ? "more sites" : "different numbers"
      #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
    }
    for kind in [QueryKind.quantileCounts, .moments] {
      let error = await #expect(throws: StudyError.self) {
        _ = try await run(total: { query, total in
          guard query.kind == kind else { return total }
          var values = total.values
          var position = 0
          if case .below(let requests) = query { position = requests[0].probes.count }
          values[position] = 301
          return Total(values: values, participants: total.participants)
        })
      }
      #expect(error?.code == .implausibleTotal)
      #expect(error?.message.contains("more values") == true, "\(error?.message ?? "")")
    }
  }

  @Test func anUpdateBeyondTheClipNormIsRefused() async throws {
    // Every coordinate within its own bound, all of them together not: the norm of the sum says so.
    let plan = try SyntheticStudy.plan(models: SyntheticStudy.averaging("adam"))
    guard case .federatedAveraging(let settings) = plan.models[0].training else {
      Issue.record("the model is trained by averaging")
      return
    }
    await #expect(throws: StudyError(.implausibleTotal, "")) {
      _ = try await run(
        models: SyntheticStudy.averaging("adam"),
        total: { query, total in
          guard case .averaging(let averaging) = query else { return total }
          let encoding = try FederatedAveraging(
            parameterCount: averaging.weights.count, settings: settings)
          var values = total.values
          let patients = Double(values[averaging.weights.count])
          let largest = Int64(settings.clipNorm * encoding.scale * patients * 0.9)
          for index in averaging.weights.indices { values[index] = largest }
          return Total(values: values, participants: total.participants)
        })
    }
  }

  @Test func countsBelowRisingProbesMustNotFall() async throws {
    await #expect(throws: StudyError(.implausibleTotal, "")) {
      _ = try await run(total: { query, total in
        guard query.kind == .quantileCounts else { return total }
        var values = total.values
        values[0] = values[1] + 1
        return Total(values: values, participants: total.participants)
      })
    }
  }

  @Test(arguments: [Int64.min, -1, Int64.max]) func sumsBeyondTheirCountAreRefused(
    value: Int64
  ) async throws {
    // Moments: the count, the sum of squares. Newton: the patient count, the log-likelihood. Averaging: the
    // patient count.
    for (kind, fromEnd) in [
      (QueryKind.moments, 3), (.moments, 1), (.newton, 3), (.newton, 1), (.averaging, 4),
      (.averaging, 1),
    ] {
      guard !(kind == .moments && fromEnd == 3 && value == .max) else { continue }
      await #expect(throws: StudyError(.implausibleTotal, ""), "\(kind), \(fromEnd), \(value)") {
        _ = try await run(
          total: { query, total in
            guard query.kind == kind else { return total }
            var values = total.values
            if case .newton(let newton) = query {
              // The fit over all sites is the first of the fits of the round.
              values[values.count / newton.fits.count - fromEnd] = value
            } else {
              values[values.count - fromEnd] = value
            }
            return Total(values: values, participants: total.participants)
          })
      }
    }
  }

  @Test(arguments: [QueryKind.vocabulary, .ownModel, .performance, .distribution])
  func aSilentSiteIsNamedAndTheStudyFinishes(kind: QueryKind) async throws {
    let result = try await run(answers: { query, answers in
      guard query.kind == kind else { return answers }
      var altered = answers
      altered.answers["site-2"] = nil
      altered.absences["site-2"] = "no answer within 10 seconds"
      return altered
    })
    #expect(result.notes.contains { $0.contains("site-2") }, "\(kind)")
    #expect(result.models.count == 2)
    switch kind {
    case .performance:
      #expect(
        result.performance[0].sites["site-2"] == nil && result.performance[0].sites.count == 3)
      #expect(result.matrix?.sites.count == 4)
    case .ownModel: #expect(result.matrix?.models.contains("only site-2") == false)
    case .distribution: #expect(result.distributions["site-2"] == nil)
    default: break
    }
  }

  @Test func allSitesSilentStillEnds() async throws {
    let result = try await run(answers: { _, _ in SiteAnswers(answers: [:]) })
    #expect(areFinite(result.models[0].coefficients))
    #expect(result.performance.allSatisfy { $0.sites.isEmpty } && result.distributions.isEmpty)
    #expect(result.notes.contains { $0.hasPrefix("site-3 reported no performance") })
  }

  @Test func anAnswerOfAnotherKindIsIgnoredOrNamed() async throws {
    let result = try await run(answers: { query, answers in
      var altered = answers
      altered.answers["site-1"] = .vocabulary([])
      return altered
    })
    #expect(result.performance[0].sites["site-1"] == nil)
  }

  /// A site that leaves half-way: its patients are in the early sums only.
  @Test func aSiteThatDropsOutIsCounted() async throws {
    let result = try await run(total: { query, total in
      guard query.kind == .newton || query.kind == .averaging else { return total }
      var values = total.values
      if query.kind == .averaging { values[values.count - 1] -= 1 }
      return Total(values: values, participants: total.participants.filter { $0 != "site-4" })
    })
    let site = try #require(result.sites.first { $0.name == "site-4" })
    #expect(site.sumsTakenPart < site.sumCount)
    #expect(result.notes.contains { $0.contains("site-4 is absent from") })
  }
}
