import BoostedTrees

/// Models as ONNX files (opset 17, ai.onnx.ml 3), which onnxruntime and others run.
///
/// Input `features`: float `[rows, features]` in the model's order, NaN for missing, a level's index
/// for a categorical feature. Output `prediction`: float `[rows, outputs]`, what
/// `TreeEnsemble.predictions` gives; output `margin` beside it for trees.
public enum ONNXFile {
  /// A tree ensemble: TreeEnsembleRegressor for the margins, then Sigmoid, Exp or Softmax.
  ///
  /// Thresholds are the same 32-bit floats as in the ensemble and missing values go the same way. A
  /// level unknown to the training, and ±∞, count as missing here alone.
  public static func bytes(of model: TreeEnsemble) -> [UInt8] {
    let trees = node(
      "TreeEnsembleRegressor", from: "features", to: "margin", domain: "ai.onnx.ml",
      attributes: ensembleAttributes(model))
    let link: [UInt8]
    switch model.objective {
    case .logistic: link = node("Sigmoid", from: "margin", to: "prediction")
    case .squaredError: link = node("Identity", from: "margin", to: "prediction")
    case .poisson: link = node("Exp", from: "margin", to: "prediction")
    case .multiclass:
      link = node(
        "Softmax", from: "margin", to: "prediction", attributes: [.integer("axis", 1)])
    }
    return file(
      nodes: [trees, link], featureCount: model.features.count,
      outputs: [
        value("prediction", columns: model.baseMargins.count),
        value("margin", columns: model.baseMargins.count),
      ])
  }

  /// A logistic model over its own columns: LinearClassifier. Outputs `label`, the likelier class as
  /// int64 `[rows]`, and `prediction`, the probabilities of no event and event `[rows, 2]`.
  public static func logistic(intercept: Double, coefficients: [Double]) -> [UInt8] {
    let classifier = ONNXWire.make { wire in
      wire.text(1, "features")
      wire.text(2, "label")
      wire.text(2, "prediction")
      wire.text(4, "LinearClassifier")
      let weights = coefficients.map { Float($0) }
      for attribute in [
        ONNXAttribute.floats("coefficients", weights.map { -$0 } + weights),
        .floats("intercepts", [-Float(intercept), Float(intercept)]),
        .integers("classlabels_ints", [0, 1]), .integer("multi_class", 0),
        .text("post_transform", "LOGISTIC"),
      ] { wire.message(5, attribute.bytes) }
      wire.text(7, "ai.onnx.ml")
    }
    return file(
      nodes: [classifier], featureCount: coefficients.count,
      outputs: [value("label", columns: nil, type: 7), value("prediction", columns: 2)])
  }

  private static func ensembleAttributes(_ model: TreeEnsemble) -> [ONNXAttribute] {
    var treeIDs: [Int] = []
    var nodeIDs: [Int] = []
    var features: [Int] = []
    var values: [Float] = []
    var modes: [String] = []
    var trueIDs: [Int] = []
    var falseIDs: [Int] = []
    var missing: [Int] = []
    var targetTrees: [Int] = []
    var targetNodes: [Int] = []
    var targets: [Int] = []
    var weights: [Float] = []
    for (number, tree) in model.trees.enumerated() {
      for (index, node) in tree.nodes.enumerated() {
        treeIDs.append(number)
        nodeIDs.append(index)
        trueIDs.append(node.left)
        falseIDs.append(node.right)
        guard let test = node.test else {
          features.append(0)
          values.append(0)
          modes.append("LEAF")
          missing.append(0)
          targetTrees.append(number)
          targetNodes.append(index)
          targets.append(tree.output)
          weights.append(Float(node.value))
          continue
        }
        features.append(test.feature)
        missing.append(test.missingGoesLeft ? 1 : 0)
        switch test.rule {
        case .upTo(let bin):
          modes.append("BRANCH_LT")
          values.append(Float(XGBoostFile.threshold(bin, model.features[test.feature])))
        case .equals(let bin):
          modes.append("BRANCH_EQ")
          values.append(Float(bin) - 1)
        }
      }
    }
    return [
      .integer("n_targets", model.baseMargins.count),
      .floats("base_values", model.baseMargins.map { Float($0) }),
      .text("aggregate_function", "SUM"), .text("post_transform", "NONE"),
      .integers("nodes_treeids", treeIDs), .integers("nodes_nodeids", nodeIDs),
      .integers("nodes_featureids", features), .floats("nodes_values", values),
      .texts("nodes_modes", modes), .integers("nodes_truenodeids", trueIDs),
      .integers("nodes_falsenodeids", falseIDs),
      .integers("nodes_missing_value_tracks_true", missing),
      .integers("target_treeids", targetTrees), .integers("target_nodeids", targetNodes),
      .integers("target_ids", targets), .floats("target_weights", weights),
    ]
  }

  private static func node(
    _ operation: String, from input: String, to output: String, domain: String = "",
    attributes: [ONNXAttribute] = []
  ) -> [UInt8] {
    ONNXWire.make { wire in
      wire.text(1, input)
      wire.text(2, output)
      wire.text(4, operation)
      for attribute in attributes { wire.message(5, attribute.bytes) }
      if !domain.isEmpty { wire.text(7, domain) }
    }
  }

  /// A tensor's name, element type (1 float, 7 int64) and shape; `nil` columns for a vector.
  private static func value(_ name: String, columns: Int?, type: Int = 1) -> [UInt8] {
    let shape = ONNXWire.make { wire in
      wire.message(1, ONNXWire.make { $0.text(2, "rows") })
      if let columns { wire.message(1, ONNXWire.make { $0.integer(1, columns) }) }
    }
    let tensor = ONNXWire.make { wire in
      wire.integer(1, type)
      wire.message(2, shape)
    }
    return ONNXWire.make { wire in
      wire.text(1, name)
      wire.message(2, ONNXWire.make { $0.message(1, tensor) })
    }
  }

  private static func file(
    nodes: [[UInt8]], featureCount: Int, outputs: [[UInt8]]
  ) -> [UInt8] {
    let graph = ONNXWire.make { wire in
      for node in nodes { wire.message(1, node) }
      wire.text(2, "wardround")
      wire.message(11, value("features", columns: featureCount))
      for output in outputs { wire.message(12, output) }
    }
    func operators(_ domain: String, _ version: Int) -> [UInt8] {
      ONNXWire.make { wire in
        wire.text(1, domain)
        wire.integer(2, version)
      }
    }
    return ONNXWire.make { wire in
      wire.integer(1, 8)
      wire.text(2, "wardround")
      wire.message(7, graph)
      wire.message(8, operators("", 17))
      wire.message(8, operators("ai.onnx.ml", 3))
    }
  }
}
