import BoostedTrees

/// Trees as an XGBoost model in JSON (schema of version 2.1, which later versions read).
///
/// `xgboost.Booster(model_file=…)` predicts what the ensemble predicts, to the rounding of 32-bit
/// floats: thresholds are the same floats, and missing values go the same way. The base margins are
/// trees of one leaf each, so `base_score` is that of margin 0. Categorical features need
/// `feature_types=["c" …]`; a level the training did not know goes to the other side of one-level
/// splits there and counts as missing here. ±∞ counts as missing here alone.
public enum XGBoostFile {
  /// The model's bytes. The same model gives the same bytes.
  public static func bytes(of model: TreeEnsemble) -> [UInt8] {
    let (name, baseScore) = names(model.objective)
    var objective: [String: TypedJSON] = ["name": .text(name)]
    switch model.objective {
    case .logistic, .squaredError:
      objective["reg_loss_param"] = .texts(["scale_pos_weight": "1"])
    case .poisson:
      objective["poisson_regression_param"] = .texts(["max_delta_step": "0.7"])
    case .multiclass(let classCount):
      objective["softmax_multiclass_param"] = .texts(["num_class": String(classCount)])
    }
    let outputCount = model.baseMargins.count
    let learner: [String: TypedJSON] = [
      "attributes": .object([:]),
      "feature_names": .texts(model.features.map { plainName($0.name) }),
      "feature_types": .texts(model.features.map { isCategorical($0) ? "c" : "float" }),
      "gradient_booster": .object(["name": .text("gbtree"), "model": booster(model)]),
      "learner_model_param": .texts([
        "base_score": baseScore, "boost_from_average": "1",
        "num_class": outputCount > 1 ? String(outputCount) : "0",
        "num_feature": String(model.features.count), "num_target": "1",
      ]),
      "objective": .object(objective),
    ]
    var bytes: [UInt8] = []
    TypedJSON.object(["version": .integers([2, 1, 0]), "learner": .object(learner)])
      .write(to: &bytes)
    return bytes
  }

  /// The objective's name there, and the base score whose margin is 0.
  private static func names(_ objective: Objective) -> (String, String) {
    switch objective {
    case .logistic: ("binary:logistic", "5E-1")
    case .squaredError: ("reg:squarederror", "0E0")
    case .poisson: ("count:poisson", "1E0")
    case .multiclass: ("multi:softprob", "0E0")
    }
  }

  /// XGBoost refuses names with these characters.
  private static func plainName(_ name: String) -> String {
    String(name.map { "[]<".contains($0) ? "_" : $0 })
  }

  private static func isCategorical(_ bins: FeatureBins) -> Bool {
    if case .categorical = bins.kind { return true }
    return false
  }

  private static func booster(_ model: TreeEnsemble) -> TypedJSON {
    let bases = model.baseMargins.enumerated().map { output, margin in
      DecisionTree(
        output: output,
        nodes: [.init(test: nil, left: 0, right: 0, value: margin, cover: 1, gain: 0)])
    }
    let trees = bases + model.trees
    // First tree of each iteration, and their number at the end.
    let starts = Array(stride(from: 0, to: trees.count, by: max(bases.count, 1))) + [trees.count]
    return .object([
      "gbtree_model_param": .texts([
        "num_parallel_tree": "1", "num_trees": String(trees.count),
      ]),
      "iteration_indptr": .integers(starts), "tree_info": .integers(trees.map(\.output)),
      "trees": .array(
        trees.enumerated().map { tree($0.element, number: $0.offset, features: model.features) }),
    ])
  }

  private static func tree(
    _ tree: DecisionTree, number: Int, features: [FeatureBins]
  ) -> TypedJSON {
    let layout = Layout(tree)
    let nodes = layout.order.map { tree.nodes[$0] }
    var left = [Int](repeating: -1, count: nodes.count)
    var right = left
    var parents = [Int](repeating: Int(Int32.max), count: nodes.count)
    var conditions = nodes.map(\.value)
    var indices = [Int](repeating: 0, count: nodes.count)
    var defaultLeft = indices
    var types = indices
    var categories: [Int] = []
    var categoryNodes: [Int] = []
    for (index, node) in nodes.enumerated() {
      guard let test = node.test else { continue }
      let children = layout.firstChild[index]
      (left[index], right[index]) = (children, children + 1)
      parents[children] = index
      parents[children + 1] = index
      indices[index] = test.feature
      switch test.rule {
      case .upTo(let bin):
        defaultLeft[index] = test.missingGoesLeft ? 1 : 0
        conditions[index] = threshold(bin, features[test.feature])
      case .equals(let bin):
        defaultLeft[index] = test.missingGoesLeft ? 0 : 1
        types[index] = 1
        conditions[index] = Double(bin) - 1
        categoryNodes.append(index)
        categories.append(Int(bin) - 1)
      }
    }
    return .object([
      "id": .integer(number), "left_children": .integers(left), "right_children": .integers(right),
      "parents": .integers(parents), "split_indices": .integers(indices),
      "split_conditions": .floats(conditions), "split_type": .integers(types),
      "default_left": .integers(defaultLeft), "base_weights": .floats(nodes.map(\.value)),
      "loss_changes": .floats(nodes.map(\.gain)), "sum_hessian": .floats(nodes.map(\.cover)),
      "categories": .integers(categories), "categories_nodes": .integers(categoryNodes),
      "categories_segments": .integers(Array(categories.indices)),
      "categories_sizes": .integers(categories.map { _ in 1 }),
      "tree_param": .texts([
        "num_deleted": "0", "num_feature": String(features.count),
        "num_nodes": String(nodes.count), "size_leaf_vector": "1",
      ]),
    ])
  }

  /// The order of nodes there: a right child follows its left sibling, which its predictors rely on,
  /// and the listed categories of a split go right.
  private struct Layout {
    /// Our node numbers in that order.
    private(set) var order = [0]
    /// Place of the left child, by place; 0 for leaves.
    private(set) var firstChild: [Int] = []

    init(_ tree: DecisionTree) {
      var place = 0
      while place < order.count {
        let node = tree.nodes[order[place]]
        if let test = node.test {
          firstChild.append(order.count)
          if case .equals = test.rule {
            order += [node.right, node.left]
          } else {
            order += [node.left, node.right]
          }
        } else {
          firstChild.append(0)
        }
        place += 1
      }
    }
  }

  /// The number whose values below go left; beyond the last cut all that are present do.
  static func threshold(_ bin: UInt8, _ bins: FeatureBins) -> Double {
    guard case .numeric(let cuts) = bins.kind, Int(bin) <= cuts.count, bin >= 1 else {
      return Double(Float.greatestFiniteMagnitude)
    }
    return Double(cuts[Int(bin) - 1])
  }
}
