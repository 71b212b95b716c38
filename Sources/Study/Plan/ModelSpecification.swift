import CanonicalBytes
import LinearModels
import StrictYAML

/// One model of a study: a learner and how it is trained.
public struct ModelSpecification: Sendable, Hashable {
  /// How the parameters are found.
  public enum Training: Sendable, Hashable {
    /// Newton's method on summed gradients and Hessians; equals the pooled fit.
    case newton(NewtonSettings)
    /// Federated averaging of clipped local updates.
    case federatedAveraging(FederatedAveragingSettings)
    /// Trees grown from summed histograms; equal the pooled trees.
    case trees(TreeSettings)
  }

  /// Newton's method with a ridge penalty.
  public struct NewtonSettings: Sendable, Hashable {
    /// λ of the penalty ½λ‖β‖² on standardised coefficients, intercept unpenalised; ≥ 0.
    public var ridge: Double
    /// 1 … 100.
    public var maximumIterations: Int
    /// Largest absolute step, on the standardised scale, that counts as converged.
    public var tolerance: Double

    public init(ridge: Double = 1, maximumIterations: Int = 25, tolerance: Double = 1e-8) {
      self.ridge = ridge
      self.maximumIterations = maximumIterations
      self.tolerance = tolerance
    }
  }

  /// Name within the study, unique.
  public var name: String
  public var training: Training

  public init(name: String, training: Training) {
    self.name = name
    self.training = training
  }

  func write(to writer: inout ByteWriter) {
    writer.string(name)
    if case .trees(let settings) = training { return settings.write(to: &writer) }
    writer.string("logistic")
    switch training {
    case .trees: break
    case .newton(let settings):
      writer.integer(UInt8(0))
      writer.double(settings.ridge)
      writer.integer(UInt32(settings.maximumIterations))
      writer.double(settings.tolerance)
    case .federatedAveraging(let settings):
      writer.integer(UInt8(1))
      settings.write(to: &writer)
    }
  }
}

/// The `models` section of a study file.
extension ModelSpecification {
  /// - Parameter isPrivate: whether the study has an `epsilon`.
  init(yaml node: YAMLNode, isPrivate: Bool, minimumCell: Int) throws(YAMLProblem) {
    let map = try node.mapping(keys: Self.allKeys)
    let learner = try map.choice("learner", default: Learner.logistic)
    let name = try map.string("name")
    if let trees = TreeSettings.Learner(rawValue: learner.rawValue) {
      let others = ["training", "ridge"] + Self.newtonKeys + Self.averagingKeys
      for key in others where !TreeSettings.keys.contains(key) && map.optional(key) != nil {
        throw map.problem(
          .inconsistent, at: key, "`\(key)` has no meaning for the learner `\(learner.rawValue)`",
          advice: "remove it, or choose `learner: logistic`")
      }
      self.init(
        name: name,
        training: .trees(
          try TreeSettings(trees, yaml: map, isPrivate: isPrivate, minimumCell: minimumCell)))
      return
    }
    for key in TreeSettings.keys
    where !Self.averagingKeys.contains(key) && map.optional(key) != nil {
      throw map.problem(
        .inconsistent, at: key, "`\(key)` has no meaning for the learner `logistic`",
        advice: "remove it, or choose a learner of trees")
    }
    switch try map.choice("training", default: TrainingKind.newton) {
    case .newton:
      try Self.refuse(Self.averagingKeys, in: map, training: "newton")
      let standard = NewtonSettings()
      self.init(
        name: name,
        training: .newton(
          NewtonSettings(
            ridge: try map.double("ridge", in: 0...1e6, default: standard.ridge),
            maximumIterations: try map.integer(
              "maximum_iterations", in: 1...100, default: standard.maximumIterations),
            tolerance: try map.double(
              "tolerance", in: 1e-12...0.1, default: standard.tolerance))))
    case .federatedAveraging:
      try Self.refuse(Self.newtonKeys, in: map, training: "federated-averaging")
      self.init(name: name, training: .federatedAveraging(try .init(yaml: map)))
    }
  }

  private static let newtonKeys = ["maximum_iterations", "tolerance"]
  private static let averagingKeys = [
    "rounds", "local_epochs", "batch_size", "learning_rate", "proximal", "clip", "server",
    "server_learning_rate", "seed", "sampling_rate", "clip_quantile", "clip_rate",
  ]

  /// Settings that would be read and change nothing: under differential privacy Newton takes a fixed
  /// number of steps and federated averaging takes gradient steps, without local training; sampling is of
  /// those steps.
  static func refuseIdleKeys(_ node: YAMLNode, isPrivate: Bool) throws(YAMLProblem) {
    let map = try node.mapping(keys: allKeys)
    let idle =
      isPrivate
      ? ["local_epochs", "batch_size", "learning_rate", "proximal", "seed", "tolerance"]
      : ["sampling_rate", "clip_quantile", "clip_rate"]
    guard try map.choice("learner", default: Learner.logistic) == .logistic else { return }
    for key in idle where map.optional(key) != nil {
      throw map.problem(
        .inconsistent, at: key,
        isPrivate
          ? "`\(key)` has no effect under differential privacy: a step is one clipped gradient or one"
            + " noisy Newton step"
          : "`\(key)` has no effect without `epsilon`",
        advice: isPrivate ? "remove it" : "remove it, or add `epsilon` to `privacy`")
    }
  }

  private static let allKeys =
    ["name", "learner", "training", "ridge"] + newtonKeys + averagingKeys
    + TreeSettings.keys.filter { !averagingKeys.contains($0) }

  private static func refuse(
    _ keys: [String], in map: YAMLMapping, training: String
  ) throws(YAMLProblem) {
    for key in keys where map.optional(key) != nil {
      throw map.problem(
        .inconsistent, at: key, "`\(key)` has no meaning for the training `\(training)`",
        advice: "remove it, or choose the other training")
    }
  }

  private enum Learner: String, CaseIterable {
    case logistic
    case boostedTrees = "boosted_trees"
    case randomForest = "random_forest"
    case additive = "ebm"
  }

  private enum TrainingKind: String, CaseIterable {
    case newton
    case federatedAveraging = "federated-averaging"
  }
}
