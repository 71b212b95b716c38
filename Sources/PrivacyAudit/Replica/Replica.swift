import Cohort
import Cryptography
import Study

/// A study's program over copies of its data in one process, run as often as an attack needs.
struct Replica: Sendable {
  let study: AgreedStudy
  let cohorts: [String: CohortTable]
  let seed: UInt64
  let hasNoise: Bool

  /// What one run released.
  struct Run: Sendable {
    var observations: [Observation]
    /// The fitted models and their transform; nil when the noise left nothing to fit.
    var models: (transform: FrozenTransform, models: [NamedModel])?
  }

  /// Which attack a run belongs to: its noise is independent of every other's.
  enum Purpose: UInt8 {
    case probe = 1
    case gradientCanaries = 2
    case patientCanaries = 3
    case shadow = 4
    case inversion = 5
    case release = 6
  }

  /// The secret of one run's noise; nil for a replica without noise.
  func noiseKey(_ purpose: Purpose, run: Int) -> [UInt8]? {
    guard hasNoise else { return nil }
    return Blake2b.hash(
      "wardround.audit", bytes(seed) + [purpose.rawValue] + bytes(UInt64(run))
    ).bytes
  }

  private func bytes(_ word: UInt64) -> [UInt8] {
    withUnsafeBytes(of: word.littleEndian) { Array($0) }
  }

  /// Runs the program once.
  ///
  /// - Parameters:
  ///   - tables: cohorts to run over instead of the replica's own.
  ///   - observing: whether residuals against the replica's own cohorts are wanted.
  func run(
    _ purpose: Purpose, _ number: Int, over tables: [String: CohortTable]? = nil,
    canaries: GradientCanaries? = nil, extent: ObservedFederation.Extent = .everything,
    observing: Bool = true
  ) async throws -> Run {
    let key = noiseKey(purpose, run: number)
    let inner = PooledFederation(study, cohorts: tables ?? cohorts, noiseKey: key)
    let background = observing ? answers(noiseKey: key) : []
    let federation = ObservedFederation(
      inner, background: background, canaries: canaries, extent: extent)
    do {
      _ = try await StudyProgram(study, over: federation).run()
    } catch is ObservedFederation.Enough {
    } catch let error as StudyError where error.code == .notEstimable || error.code == .tooFew {
      // The noise was too much for this run; what it released until then is released.
    }
    return Run(
      observations: await federation.observations, models: await federation.models)
  }

  private func answers(noiseKey: [UInt8]?) -> [ObservedFederation.Background] {
    func answers(_ site: String, _ cohort: CohortTable, _ key: [UInt8]?) -> LocalAnswers {
      LocalAnswers(site: site, plan: study.plan, cohort: cohort, noiseKey: key)
    }
    return study.sites.compactMap { site in
      cohorts[site].map {
        .init(
          site: site, sums: answers(site, $0, noiseKey), exact: answers(site, $0, nil))
      }
    }
  }
}

extension SumQuery {
  /// The same question with everybody taking part, for what one patient adds when he does.
  func withEverybody() throws -> SumQuery {
    guard case .privateStep(var query) = self,
      case .federatedAveraging(let settings) = query.model.training, settings.samplingRate < 1
    else { return self }
    query.model.training = .federatedAveraging(
      try .init(
        rounds: settings.rounds, local: settings.local, clipNorm: settings.clipNorm,
        serverOptimiser: settings.serverOptimiser,
        serverLearningRate: settings.serverLearningRate, beta1: settings.beta1,
        beta2: settings.beta2, tau: settings.tau, seed: settings.seed,
        adaptiveClipping: settings.adaptiveClipping))
    return .privateStep(query)
  }
}
