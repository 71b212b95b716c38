import CanonicalBytes
import LinearModels
import StrictYAML

/// The settings of federated averaging in a study file and in a plan's digest.
extension FederatedAveragingSettings {
  init(yaml map: YAMLMapping) throws(YAMLProblem) {
    do {
      let local = try LocalTrainingSettings(
        epochs: try map.integer("local_epochs", in: 1...1000, default: 1),
        batchSize: try map.integer("batch_size", in: 1...1_000_000, default: 16),
        learningRate: try map.double("learning_rate", in: 1e-6...100, default: 0.05),
        l2Penalty: try map.double("ridge", in: 0...1e6, default: 0),
        proximalStrength: try map.double("proximal", in: 0...1e6, default: 0))
      try self.init(
        rounds: try map.integer("rounds", in: 1...10_000, default: 30), local: local,
        clipNorm: try map.double("clip", in: 1e-3...1000, default: 1),
        serverOptimiser: try map.choice("server", default: ServerOptimiser.average),
        serverLearningRate: try map.optionalDouble("server_learning_rate", in: 1e-6...1000),
        seed: UInt64(try map.integer("seed", in: 0 ... .max, default: 0)),
        samplingRate: try map.double("sampling_rate", in: 1e-5...1, default: 1),
        adaptiveClipping: try .init(yaml: map))
    } catch let problem as YAMLProblem {
      throw problem
    } catch {
      throw map.node.problem(
        .outOfRange, "the settings of federated averaging contradict each other",
        advice: "compare them with the ranges in the documentation of `models`")
    }
  }

  func write(to writer: inout ByteWriter) {
    writer.integer(UInt32(rounds))
    writer.integer(UInt32(local.epochs))
    writer.integer(UInt32(local.batchSize))
    writer.double(local.learningRate)
    writer.double(local.l2Penalty)
    writer.double(local.proximalStrength)
    writer.double(clipNorm)
    writer.string(serverOptimiser.rawValue)
    writer.double(serverLearningRate)
    writer.double(beta1)
    writer.double(beta2)
    writer.double(tau)
    writer.integer(seed)
    writer.double(samplingRate)
    writer.optional(adaptiveClipping) { writer, clipping in
      writer.double(clipping.quantile)
      writer.double(clipping.rate)
    }
  }
}

extension FederatedAveragingSettings.AdaptiveClipping {
  /// Reads `clip_quantile` and `clip_rate`; nil without the first.
  init?(yaml map: YAMLMapping) throws(YAMLProblem) {
    guard let quantile = try map.optionalDouble("clip_quantile", in: 0.01...0.99) else {
      guard map.optional("clip_rate") == nil else {
        throw map.problem(
          .inconsistent, at: "clip_rate",
          "without `clip_quantile` the bound does not move and this has no meaning",
          advice: "add `clip_quantile`, for example 0.5, or remove this line")
      }
      return nil
    }
    self.init(
      quantile: quantile,
      rate: try map.double("clip_rate", in: 0.001...2, default: Self().rate))
  }
}
