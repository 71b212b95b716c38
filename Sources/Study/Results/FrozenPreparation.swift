import CanonicalBytes
import Cohort
import Cryptography
import Records

/// Everything between a hospital's data and the columns of a model, frozen by the study: the recipe that
/// makes a table of its records, what that table's columns are, and the transform.
///
/// A function of the plan and of the totals, so it is the same at every site; whoever has it and records
/// of new patients needs nothing else of the study to make the model's columns.
public struct FrozenPreparation: Sendable, Hashable {
  /// From records to a table; nil for a study over tables that are there.
  public var records: RecordsRecipe?
  /// What a table must have, in the order of the transform.
  public var features: [FeatureSpecification]
  public var transform: FrozenTransform

  public init(
    records: RecordsRecipe?, features: [FeatureSpecification], transform: FrozenTransform
  ) {
    self.records = records
    self.features = features
    self.transform = transform
  }

  /// The preparation of a study that ended with a transform: of the plan's features those that the
  /// transform has.
  public init(_ plan: StudyPlan, _ transform: FrozenTransform) {
    self.init(
      records: plan.records, features: plan.cohort.features.prepared(by: transform),
      transform: transform)
  }

  /// BLAKE2b-256 over the canonical bytes of the three parts.
  public var digest: Digest {
    var writer = ByteWriter()
    writer.optional(records) { $1.write(to: &$0) }
    writer.array(features) { $1.write(to: &$0) }
    transform.write(to: &writer)
    return Blake2b.hash("wr.preparation", writer.bytes)
  }
}

extension [FeatureSpecification] {
  /// Those that a transform has, in its order.
  func prepared(by transform: FrozenTransform) -> [FeatureSpecification] {
    transform.features.compactMap { part in first { $0.name == part.name } }
  }
}
