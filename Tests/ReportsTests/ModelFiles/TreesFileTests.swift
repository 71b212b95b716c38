import BoostedTrees
import Foundation
import PortableNumerics
import Testing

@testable import Reports

/// Files of trees: our own JSON, XGBoost's and ONNX.
@Suite struct TreesFileTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  private struct Rows {
    var features: [FeatureBins] = []
    var columns: [[Double]] = []
    var keys: [UInt64] = []
    var margins: [Double] = []

    /// Three numeric features, one categorical, missing values in all.
    init(seed: UInt64, count: Int) throws {
      var random = SplitMix64(seed: seed)
      margins = [Double](repeating: -0.5, count: count)
      for index in 0..<4 {
        let levels = index == 3 ? 5 : 0
        var column: [Double] = []
        for row in 0..<count {
          let draw = random.uniformDouble()
          let value =
            levels > 0 ? Double(Int(draw * Double(levels))) : Double(Float(draw * 40))
          let isMissing = random.uniformDouble() < 0.15
          column.append(isMissing ? .nan : value)
          margins[row] += isMissing ? 0.5 : levels > 0 ? (value == 2 ? 1 : 0) : draw * 2 - 1
        }
        columns.append(column)
        features.append(
          levels > 0
            ? try FeatureBins(name: "level", kind: .categorical(levelCount: levels))
            : try FeatureBins(name: "x[\(index)]", cutsAt: (1..<40).map(Double.init)))
      }
      for _ in 0..<count { keys.append(random.next()) }
    }

    func training(outcomes: [Double]) throws -> TrainingRows {
      try TrainingRows(
        table: BinnedTable(features: features, columns: columns), outcomes: outcomes, keys: keys)
    }

    func model(_ plan: TrainingPlan<Objective>, outcomes: [Double]) throws -> TreeEnsemble {
      try PooledTraining.train(
        plan: plan, features: features, sites: [try training(outcomes: outcomes)]
      ).model
    }
  }

  /// One model of every objective, a forest, and shape functions as trees.
  private func models(_ rows: Rows) throws -> [(String, TreeEnsemble)] {
    var plan = TrainingPlan()
    plan.treeCount = 8
    plan.patientLimit = rows.keys.count
    let binary = rows.margins.map { $0 > 0 ? 1.0 : 0 }
    var result = [("logistic", try rows.model(plan, outcomes: binary))]
    plan.objective = .squaredError(lower: -8, upper: 8)
    result.append(("squared", try rows.model(plan, outcomes: rows.margins)))
    plan.objective = .poisson(maximum: 8)
    result.append(
      ("poisson", try rows.model(plan, outcomes: rows.margins.map { max(0, $0.rounded()) })))
    plan.objective = .multiclass(classCount: 3)
    result.append(
      (
        "multiclass",
        try rows.model(plan, outcomes: rows.margins.map { $0 < -1 ? 0 : $0 < 0.5 ? 1 : 2 })
      ))
    var forest = TrainingPlan.randomForest(treeCount: 4, featureCount: 4)
    forest.patientLimit = rows.keys.count
    result.append(("forest", try rows.model(forest, outcomes: binary)))
    var shapes = AdditivePlan()
    shapes.passCount = 6
    shapes.pairCount = 2
    shapes.pairPassCount = 3
    shapes.patientLimit = rows.keys.count
    result.append(
      (
        "ebm",
        try PooledTraining.train(
          plan: shapes, features: rows.features, sites: [try rows.training(outcomes: binary)]
        ).model.ensemble
      ))
    return result
  }

  @Test func ownFilesReadBack() throws {
    for (name, model) in try models(Rows(seed: 71, count: 400)) {
      let bytes = try TreesFile.bytes(of: model)
      #expect(try TreesFile.model(bytes) == model, "\(name)")
      #expect(try TreesFile.bytes(of: model) == bytes)
    }
    #expect(throws: ReportsError.self) { try TreesFile.model(Array("{}".utf8)) }
    #expect(throws: ReportsError.self) { try TreesFile.model([0xFF]) }
  }

  /// No file is made of a model that cannot be written.
  @Test func aNumberThatIsNotFiniteIsRefused() throws {
    let whole = try TreesFile.model(
      Array(
        try Data(contentsOf: Self.root.appending(path: "protocol/models/trees-1.json"))))
    let broken = TreeEnsemble(
      objective: whole.objective, features: whole.features, baseMargins: [.infinity],
      trees: whole.trees)
    #expect(throws: ReportsError(.outOfRange, "")) { try TreesFile.bytes(of: broken) }
  }

  /// A file of every format version loads for ever.
  @Test func savedFileLoads() throws {
    let file = Self.root.appending(path: "protocol/models/trees-1.json")
    let model = try TreesFile.model(Array(try Data(contentsOf: file)))
    #expect(model.trees.count == 2)
    let risk = try model.predictions(of: [12, .nan, 3, 2])[0]
    #expect(abs(risk - 0.577_458_765_590_179_4) < 1e-12)
  }

  @Test func xgboostFileHasItsParts() throws {
    for (name, model) in try models(Rows(seed: 72, count: 400)) {
      let object = try JSONSerialization.jsonObject(with: Data(XGBoostFile.bytes(of: model)))
      let learner = try #require((object as? [String: Any])?["learner"] as? [String: Any])
      let booster = learner["gradient_booster"] as? [String: Any]
      let inner = booster?["model"] as? [String: Any]
      let trees = try #require(inner?["trees"] as? [[String: Any]])
      #expect(trees.count == model.trees.count + model.baseMargins.count, "\(name)")
      for (tree, own) in zip(trees.dropFirst(model.baseMargins.count), model.trees) {
        let left = try #require(tree["left_children"] as? [Int])
        let right = try #require(tree["right_children"] as? [Int])
        #expect(left.count == own.nodes.count)
        for (a, b) in zip(left, right) where a >= 0 { #expect(b == a + 1) }
      }
      #expect(learner["feature_names"] as? [String] == ["x_0_", "x_1_", "x_2_", "level"])
    }
  }

  /// The programs that the files are for, where a Python with them is named.
  @Test(
    .enabled(
      if: ProcessInfo.processInfo.environment["WARDROUND_MODEL_PYTHON"] != nil,
      "WARDROUND_MODEL_PYTHON names no Python with xgboost and onnxruntime"))
  func othersPredictTheSame() throws {
    let python = try #require(ProcessInfo.processInfo.environment["WARDROUND_MODEL_PYTHON"])
    let rows = try Rows(seed: 73, count: 10_000)
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var values: [Float] = []
    for row in rows.keys.indices { values += rows.columns.map { Float($0[row]) } }
    try values.withUnsafeBytes { Data($0) }.write(to: folder.appending(path: "x"))
    for (name, model) in try models(rows) {
      try Data(XGBoostFile.bytes(of: model)).write(to: folder.appending(path: name + ".json"))
      try Data(ONNXFile.bytes(of: model)).write(to: folder.appending(path: name + ".onnx"))
      let predictions = try rows.keys.indices.flatMap { row in
        try model.predictions(of: rows.columns.map { $0[row] })
      }
      try predictions.withUnsafeBytes { Data($0) }.write(to: folder.appending(path: name))
    }
    // The linear classifier takes columns that are prepared: nothing is missing there.
    let weights = [0.4, -0.9, 0.05, 0.2]
    try Data(ONNXFile.logistic(intercept: -0.7, coefficients: weights))
      .write(to: folder.appending(path: "linear.onnx"))
    let risks = rows.keys.indices.map { row in
      Portable.sigmoid(
        zip(weights, rows.columns).reduce(-0.7) { sum, pair in
          let value = Double(Float(pair.1[row]))
          return value.isNaN ? sum : sum + pair.0 * value
        })
    }
    try risks.withUnsafeBytes { Data($0) }.write(to: folder.appending(path: "linear"))
    let process = Process()
    process.executableURL = URL(fileURLWithPath: python)
    process.arguments = ["-c", Self.script, folder.path]
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
  }

  private static let script = """
    import os, sys
    os.chdir(sys.argv[1])
    import numpy, onnxruntime, xgboost
    x = numpy.fromfile("x", dtype=numpy.float32).reshape(-1, 4)
    for name in ["logistic", "squared", "poisson", "multiclass", "forest", "ebm"]:
        ours = numpy.fromfile(name).reshape(len(x), -1)
        booster = xgboost.Booster(model_file=name + ".json")
        table = xgboost.DMatrix(
            x, feature_names=booster.feature_names, feature_types=["float"] * 3 + ["c"],
            enable_categorical=True)
        theirs = booster.predict(table).reshape(ours.shape)
        session = onnxruntime.InferenceSession(name + ".onnx")
        onnx = session.run(["prediction"], {"features": x})[0]
        for other in (theirs, onnx):
            worst = (abs(other - ours) / numpy.maximum(1, abs(ours))).max()
            assert worst < 1e-6, (name, worst)
    session = onnxruntime.InferenceSession("linear.onnx")
    label, risks = session.run(None, {"features": numpy.nan_to_num(x)})
    ours = numpy.fromfile("linear")
    assert abs(risks[:, 1] - ours).max() < 1e-6 and abs(risks.sum(1) - 1).max() < 1e-6
    assert ((label == 1) == (ours > 0.5)).all()
    """
}
