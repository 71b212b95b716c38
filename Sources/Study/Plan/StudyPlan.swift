import CanonicalBytes
import Cohort
import Cryptography
import Records

/// A checked study: everything the sites agree on before the first number leaves a hospital.
///
/// A plan is data, never code. Its digest is what sites approve and what the manifest of the secure
/// sums carries, so two parties with the same digest run the same study.
public struct StudyPlan: Sendable, Hashable {
  /// Identifier: lower-case letters, digits and hyphens, at most 64.
  public var id: String
  /// The heading of the report.
  public var title: String
  public var task: TaskDescription
  /// How each site makes its table from its own records; nil for a study over tables that are there.
  public var records: RecordsRecipe?
  /// The cohort of the table's rows.
  public var cohort: CohortSpecification
  /// Which features the models get; nil for all.
  public var selection: SelectionSpecification?
  /// How missing numbers are filled; nil for medians with indicators.
  public var imputation: ImputationSpecification?
  /// In the order of the study file; the first is the primary model.
  public var models: [ModelSpecification]
  public var validation: ValidationSpecification
  public var drift: DriftSpecification
  public var privacy: PrivacySpecification
  /// Votes of the sites on the models; nil for none.
  public var votes: VoteSpecification?
  public var deadlines: Deadlines

  public init(
    id: String, title: String, task: TaskDescription, cohort: CohortSpecification,
    models: [ModelSpecification], validation: ValidationSpecification = .init(),
    drift: DriftSpecification = .init(), privacy: PrivacySpecification = .init(),
    votes: VoteSpecification? = nil, deadlines: Deadlines = .init(),
    records: RecordsRecipe? = nil, imputation: ImputationSpecification? = nil,
    selection: SelectionSpecification? = nil
  ) {
    self.id = id
    self.title = title
    self.task = task
    self.records = records
    self.imputation = imputation
    self.selection = selection
    self.cohort = cohort
    self.models = models
    self.validation = validation
    self.drift = drift
    self.privacy = privacy
    self.votes = votes
    self.deadlines = deadlines
  }

  /// Version of the program that interprets a plan. It is part of the digest: agents with different
  /// programs never agree on a study.
  public static let programVersion: UInt16 = 4

  /// The canonical bytes of the plan. The recipe and what later versions added stand last, by name and only
  /// where a study has them: the bytes of other studies do not depend on them.
  public var canonicalBytes: [UInt8] {
    var writer = ByteWriter()
    writer.integer(Self.programVersion)
    writer.string(id)
    writer.string(title)
    task.write(to: &writer)
    cohort.write(to: &writer)
    writer.array(models) { $1.write(to: &$0) }
    validation.write(to: &writer)
    drift.write(to: &writer)
    privacy.write(to: &writer)
    writer.optional(votes) { $1.write(to: &$0) }
    deadlines.write(to: &writer)
    if let records {
      writer.string("records")
      records.write(to: &writer)
    }
    if let imputation {
      writer.string("imputation")
      imputation.write(to: &writer)
    }
    if let selection {
      writer.string("selection")
      selection.write(to: &writer)
    }
    return writer.bytes
  }

  /// What the sites approve.
  public var digest: Digest { Blake2b.hash("wardround.plan", canonicalBytes) }
}

extension StudyPlan {
  /// Digest of what the study asks about patients, whatever it is called and does with the answers:
  /// cohort, features, outcome and holdout, and how they are made from records.
  public var questionDigest: Digest {
    var writer = ByteWriter()
    cohort.write(to: &writer)
    if let records { records.write(to: &writer) }
    return Blake2b.hash("wr.question", writer.bytes)
  }
}

/// The study as the sites agreed to run it: the plan, who takes part, and what every site allows.
public struct AgreedStudy: Sendable, Hashable {
  public var plan: StudyPlan
  /// Site names in roster order.
  public var sites: [String]
  /// The named disclosures that the plan asks for and that every site's policy allows.
  public var disclosures: Set<Disclosure>

  public init(plan: StudyPlan, sites: [String], disclosures: Set<Disclosure>) {
    self.plan = plan
    self.sites = sites
    self.disclosures = disclosures.intersection(plan.validation.disclosures)
  }

  /// Digest of the agreement; it stands for "model architecture and update rule" in the manifest.
  public var digest: Digest {
    var writer = ByteWriter()
    writer.array(sites) { $0.string($1) }
    writer.array(disclosures.map(\.rawValue).sorted()) { $0.string($1) }
    return Blake2b.hash("wardround.agreed", plan.canonicalBytes, writer.bytes)
  }
}
