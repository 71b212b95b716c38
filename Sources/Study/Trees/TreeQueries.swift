import BoostedTrees
import CanonicalBytes

/// One step of a training that every party derives from the published totals before it. The steps before
/// are bound by the chain of digests, and carried along in memory so that a restarted site can catch up
/// without being asked again.
public protocol TrainingStep: Sendable, Hashable {
  /// 0, 1, 2, … within a training.
  var sequence: Int { get }

  /// Appends canonical bytes: equal steps, equal bytes.
  func write(to writer: inout ByteWriter)
}

extension SumQuery {
  /// One step of growing boosted trees or a forest.
  public typealias TreeGrowthQuery = TrainingQuery<GrowthQuery>
  /// One step of learning shape functions.
  public typealias ShapeQuery = TrainingQuery<AdditiveQuery>

  /// One step of a training, with the past that leads to it.
  public struct TrainingQuery<Step: TrainingStep>: Sendable, Hashable {
    public var model: ModelSpecification
    public var columns: TreeColumns
    /// Patients of the profile, which size the integers.
    public var patientCount: Int
    public var step: Step
    /// The steps before, in order.
    public var history: [Step]
    /// Elements of the answer.
    public var length: Int
    /// Where the step goes on with trees that were begun, or counts at margins that were counted at
    /// before: the sites whose patients are in that earlier sum.
    public var companions: [String] = []

    // The history is a function of what was published before, as are the step and the companions.
    public static func == (left: Self, right: Self) -> Bool {
      left.model == right.model && left.columns == right.columns
        && left.patientCount == right.patientCount && left.step == right.step
    }

    public func hash(into hasher: inout Hasher) {
      hasher.combine(model)
      hasher.combine(step)
    }

    func write(to writer: inout ByteWriter) {
      model.write(to: &writer)
      writer.raw(columns.digest.bytes)
      writer.integer(UInt64(patientCount))
      step.write(to: &writer)
    }
  }

  /// What the features contribute to the model's margins, over a sample of the training patients.
  public struct ContributionQuery: Sendable, Hashable {
    public var model: TreeModel
    /// Share of the training patients, drawn by keyed hash, in (0, 1].
    public var share: Double

    /// Elements of the answer.
    var length: Int { ContributionSummary.elementCount(features: model.columns.bins) }

    func write(to writer: inout ByteWriter) {
      writer.raw(model.digest.bytes)
      writer.double(share)
    }
  }
}

extension SumQuery {
  /// Background patients, counted by the conditions of the leaves that they satisfy.
  public struct BackgroundQuery: Sendable, Hashable {
    /// The trees without a background.
    public let model: TreeModel
    /// Share of the training patients, drawn by keyed hash, in (0, 1].
    public let share: Double
    /// What is counted, by the model's trees.
    let patterns: BackgroundPatterns

    /// Nil for a model that is not made of trees, or whose trees are too deep to count.
    init?(model: TreeModel, share: Double) {
      guard case .ensemble(let ensemble) = model.content,
        let patterns = try? BackgroundPatterns(model: ensemble)
      else { return nil }
      self.model = model
      self.share = share
      self.patterns = patterns
    }

    /// Elements of the answer.
    var length: Int { patterns.elementCount }

    public static func == (left: Self, right: Self) -> Bool {
      left.model == right.model && left.share == right.share
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(model) }

    func write(to writer: inout ByteWriter) {
      writer.raw(model.digest.bytes)
      writer.double(share)
    }
  }
}

extension GrowthQuery: TrainingStep {
  /// Canonical bytes of the step.
  public func write(to writer: inout ByteWriter) {
    writer.integer(UInt32(sequence))
    switch kind {
    case .baseline: writer.integer(UInt8(0))
    case .growth(let step):
      writer.integer(UInt8(1))
      writer.array(step.completed) { writer, tree in
        writer.array(tree.splits) { $1.write(to: &$0) }
        writer.array(tree.leafValues) { $0.double($1) }
      }
      writer.boolean(step.measuresLoss)
      writer.optional(step.begins) { writer, batch in
        writer.boolean(batch.usesBaseMargins)
        writer.array(batch.baseMargins) { $0.double($1) }
        writer.array(batch.trees) {
          $0.integer(UInt32($1.output))
          $0.integer($1.seed)
        }
      }
      writer.array(step.trees) { writer, tree in
        writer.array(tree.splits) { $1.write(to: &$0) }
        writer.array(tree.histograms) { writer, request in
          writer.integer(UInt32(request.leaf))
          writer.array(request.features) { $0.integer(UInt32($1)) }
        }
      }
    }
  }
}

extension LeafSplit {
  func write(to writer: inout ByteWriter) {
    writer.integer(UInt32(leaf))
    writer.integer(UInt32(right))
    test.write(to: &writer)
  }
}

extension AdditiveQuery: TrainingStep {
  /// Canonical bytes of the step.
  public func write(to writer: inout ByteWriter) {
    writer.integer(UInt32(sequence))
    writer.boolean(measuresLoss)
    writer.array(updates) { writer, update in
      switch update {
      case .base(let value):
        writer.integer(UInt8(0))
        writer.double(value)
      case .feature(let feature, let values):
        writer.integer(UInt8(1))
        writer.integer(UInt32(feature))
        writer.array(values) { $0.double($1) }
      case .pair(let pair):
        writer.integer(UInt8(2))
        writer.integer(UInt32(pair.first))
        writer.integer(UInt32(pair.second))
        writer.array(pair.values) { $0.array($1) { $0.double($1) } }
      }
    }
    switch kind {
    case .baseline: writer.integer(UInt8(0))
    case .features(let features):
      writer.integer(UInt8(1))
      writer.array(features) { $0.integer(UInt32($1)) }
    case .pairs(let pairs):
      writer.integer(UInt8(2))
      writer.array(pairs) { writer, pair in
        writer.integer(UInt32(pair.first))
        writer.integer(UInt32(pair.second))
        writer.array(pair.firstGroups) { $0.integer(UInt32($1)) }
        writer.array(pair.secondGroups) { $0.integer(UInt32($1)) }
      }
    case .losses: writer.integer(UInt8(3))
    }
  }
}
