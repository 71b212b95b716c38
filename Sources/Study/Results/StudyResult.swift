import CanonicalBytes
import Cohort
import Cryptography
import Validation

/// Everything a study found: the content of the report, of its JSON twin and of the model file.
///
/// It is a function of the agreed study and the transcript alone, so every party that replays the
/// transcript obtains the same result.
public struct StudyResult: Sendable, Codable {
  public var study: StudyFacts
  /// In roster order.
  public var sites: [SiteFacts]
  public var totals: CohortTotals
  /// One per feature of the plan, over the training patients of all sites.
  public var features: [FeatureFacts]
  /// The frozen preparation that the models and the prediction command use.
  public var transform: FrozenTransform
  /// In the order of the plan; the first is the primary model.
  public var models: [FittedModel]
  /// Performance on each site's own holdout.
  public var performance: [EvaluatedModel]
  /// Each site's own model beside the primary model on the site's own holdout.
  public var ownModels: [SiteName: SitePerformance]
  /// Model × site matrix; nil when a site's policy does not allow it.
  public var matrix: PerformanceMatrix?
  /// Primary model fitted without a site, on that site's holdout; nil when not allowed.
  public var leaveOneSiteOut: [SiteName: SitePerformance]?
  /// Random-effects summaries of the primary model over the sites.
  public var summaries: [PerformanceSummary]
  /// How the sites differ: every comparison, and the ranked findings in plain words.
  public var drift: DriftReport
  /// Each site's distributions as it released them: one per feature and one of the score.
  public var distributions: [SiteName: [FeatureSummary]]
  /// What left the hospitals, in the order it happened.
  public var disclosures: [DisclosureRecord]
  /// Things the reader must know: suppressed cells, absent sites, models that did not converge.
  public var notes: [String]
  /// What is proven about one patient; nil where the study has no differential privacy.
  public var privacy: PrivacyFacts?
  /// How records became cohorts; nil for a study over tables, and under differential privacy.
  public var flow: CohortFlow?
  /// How the sites record what the study reads; nil for a study over tables.
  public var harmonisation: Harmonisation?
  /// What the selection of features was made from; nil for a study without one.
  public var selection: [SelectionFacts]?
  /// Hexadecimal digest of the `FrozenPreparation`: of `transform.json` and of the preparation in every
  /// model file. Nil in reports of earlier versions.
  public var preparation: String?

  public typealias SiteName = String

  /// What the study was for and how it was agreed.
  public struct StudyFacts: Sendable, Codable {
    public var id: String
    public var title: String
    public var task: TaskDescription
    /// The event in words.
    public var outcome: String
    /// Hexadecimal digest of the plan that the sites approved.
    public var planDigest: String
    public var programVersion: Int
    /// How holdout patients were chosen, in words.
    public var holdout: String
    public var threshold: Double
    public var minimumCell: Int
    public var minimumSites: Int
    /// Disclosures that took place by agreement.
    public var disclosures: [Disclosure]
  }

  /// One hospital's part.
  public struct SiteFacts: Sendable, Codable {
    public var name: String
    /// Patients of the cohort; nil when held back by the small-cell rule.
    public var patientCount: Int?
    /// Secure sums of the study in which the site took part, and how many there were.
    public var sumsTakenPart: Int
    public var sumCount: Int
  }

  /// The steps from records to cohorts.
  public struct CohortFlow: Sendable, Codable {
    public var steps: [Step]
    /// Hexadecimal fingerprint of each site's data, under a secret of the site.
    public var fingerprints: [SiteName: String]

    public struct Step: Sendable, Codable {
      /// What the step keeps, in words.
      public var name: String
      /// What is left over all sites; nil where it would tell what one or two of them hold back.
      public var total: Int?
      /// What is left at each site that may show it.
      public var sites: [SiteName: Int]
    }
  }

  /// How the sites record what the study reads.
  public struct Harmonisation: Sendable, Codable {
    /// In the order of the recipe and of every site's answer.
    public var variables: [Variable]
    public var sites: [SiteName: HarmonisationAnswer]

    public struct Variable: Sendable, Codable {
      public var name: String
      /// The study's unit of a number.
      public var unit: String?
    }
  }

  /// One feature in the selection, over the training patients of all sites.
  public struct SelectionFacts: Sendable, Codable {
    public var feature: String
    /// Share without a value.
    public var missingShare: Double
    /// Share of the recorded values outside the most frequent bin.
    public var differingShare: Double
    /// Of the feature alone, from its bins; nil where one outcome is absent. Of a category the bins are in
    /// the order of their risk.
    public var auroc: Double?
    /// Likelihood-ratio statistic of outcome and bins, its degrees of freedom and p-value.
    public var likelihoodRatio: Double
    public var freedom: Int
    public var pValue: Double
    /// Sites that find higher values with more of the outcome, and with less; nil where it was not asked.
    public var sitesHigher: Int?
    public var sitesLower: Int?
    /// Why the models do not get it; nil where they do.
    public var leftOut: String?
  }

  /// Counts over all sites.
  public struct CohortTotals: Sendable, Codable {
    public var patientCount: Int
    public var eventCount: Int
    public var trainingCount: Int
    public var trainingEventCount: Int
    public var holdoutCount: Int
    public var holdoutEventCount: Int
  }

  /// One feature over the training patients of all sites.
  public struct FeatureFacts: Sendable, Codable {
    public var name: String
    /// number, category or flag.
    public var kind: String
    public var unit: String?
    public var presentCount: Int
    public var missingShare: Double
    /// Deciles 10 % … 90 % of a number.
    public var deciles: [Double]?
    /// Levels and their counts of a category; the last may be "other".
    public var levels: [LevelCount]?
    /// Share with "yes" of a flag.
    public var positiveShare: Double?
  }

  public struct LevelCount: Sendable, Codable {
    public var level: String
    public var count: Int
  }

  /// Performance of one model at every site.
  public struct EvaluatedModel: Sendable, Codable {
    public var model: String
    public var sites: [SiteName: SitePerformance]
  }

  /// Rows: models by where they were trained; columns: sites on whose holdout they were evaluated.
  public struct PerformanceMatrix: Sendable, Codable {
    public var models: [String]
    public var sites: [SiteName]
    /// AUROC [models × sites]; nil where a site has one outcome class or held it back.
    public var auroc: [[Double?]]
  }

  /// The differential privacy of the study, for every patient at an honest site.
  public struct PrivacyFacts: Sendable, Codable {
    /// ε and δ that the plan asked for.
    public var epsilon: Double
    public var delta: Double
    public var linkedSites: Int
    /// μ² of Gaussian differential privacy that the releases cost together, those with sampling left
    /// out.
    public var squaredMu: Double
    /// ε at δ that is proven where every sum was opened once.
    public var provenEpsilon: Double
    /// How many more times, in the whole study, answers to sums may have left a site.
    public var reopenings: Int
    /// ε at δ that is proven whatever the aggregator opened: beyond it every site's ledger refuses.
    public var largestEpsilon: Double
    /// ε by the number of sites that collude with the aggregator.
    public var byColluders: [ColluderFacts]
    /// Every kind of release with its noise.
    public var releases: [ReleaseFacts]
    /// Performance over all sites' holdouts together, by model.
    public var pooled: [String: SitePerformance]

    public struct ColluderFacts: Sendable, Codable {
      public var colluders: Int
      public var epsilon: Double
    }

    public struct ReleaseFacts: Sendable, Codable {
      public var purpose: String
      public var count: Int
      /// Whether it is a secure sum (else a site answer).
      public var isSum: Bool
      public var group: PatientGroup
      /// σ over what one patient can change.
      public var noiseMultiplier: Double
      /// Probability with which each patient takes part in one of them.
      public var samplingRate: Double
    }
  }

  /// One thing that left the hospitals.
  public struct DisclosureRecord: Sendable, Codable {
    /// Stage of the study.
    public var stage: String
    public var purpose: String
    /// "secure sum" or "site answer".
    public var kind: String
    /// How often it was asked.
    public var queryCount: Int
    /// Integers (sum) or bytes (answer) per query, the largest.
    public var valueCount: Int
    /// Fewest sites in one of the sums.
    public var fewestSites: Int
  }
}

/// A model with its coefficients and how it got them.
public struct FittedModel: Sendable, Codable {
  public var name: String
  /// "newton", "federated averaging (adam)", "boosted trees" and the like.
  public var training: String
  /// Intercept first, standardised scale; one per design column after it.
  public var coefficients: [Double]
  /// Standard errors of the coefficients, where the training gives them.
  public var standardErrors: [Double]?
  /// Names of the design columns.
  public var columns: [String]
  public var iterationCount: Int
  public var converged: Bool
  /// Mean log-loss over the training patients, where the training gives it.
  public var trainingLogLoss: Double?
  /// The trees of a model that is made of them; its coefficients and columns are empty then.
  public var trees: FittedTrees?

  /// The model as sites evaluate it.
  var named: NamedModel {
    NamedModel(name: name, origin: .study, coefficients: coefficients, trees: trees?.model)
  }
}

extension StudyResult {
  /// Digest of what the study concluded: the models' coefficients to the bit and the transform. Equal
  /// at every party that ran the program over the same transcript.
  public var digest: Digest {
    var writer = ByteWriter()
    writer.string(study.planDigest)
    transform.write(to: &writer)
    writer.array(models) {
      $0.string($1.name)
      $0.array($1.coefficients) { $0.double($1) }
      if let trees = $1.trees { $0.raw(trees.model.digest.bytes) }
    }
    return Blake2b.hash("wardround.result", writer.bytes)
  }
}
