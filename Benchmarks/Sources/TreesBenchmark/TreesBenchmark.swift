import ArgumentParser
import BenchmarkSupport
import Foundation

/// `scripts/bench trees`: growth of boosted trees on one machine beside XGBoost and LightGBM, on the
/// same rows, one process a run, the learners in turn.
@main
struct TreesBenchmark: ParsableCommand {
  @OptionGroup var options: ReportOptions
  @Option(help: "Training rows × features of each table.")
  var tables = "1000000x50,100000x30"
  @Option(help: "Threads, separated by commas.")
  var threads = Numbers([1, 2])
  @Option(help: "Boosted trees.")
  var trees = 100
  @Option(help: "Splits from the root to a leaf.")
  var depth = 6
  @Option(help: "Runs of each learner; the least processor time counts.")
  var repeats = 3
  @Option(help: "Share of the cells that are missing.")
  var missing = 0.0
  @Option(help: "Share of the rows that a tree is grown on.")
  var rowRate = 1.0
  @Option(help: "Learners, separated by commas.")
  var learners = "wardround,xgboost,lightgbm,lightgbm-quantised"
  @Option(help: "Python with numpy, xgboost and lightgbm.")
  var python = "python3"
  @Option(help: "The script that runs the others.")
  var script = "Benchmarks/Trees/compare.py"
  @Option(help: .hidden)
  var child: String?
  @Option(help: .hidden)
  var predictions = "-"
  @Option(help: .hidden)
  var seed: UInt64 = 0
  @Option(parsing: .upToNextOption, help: .hidden)
  var stopping: [String] = []

  private static let columns: [Report.Column] = [
    .init("rows", "rows"), .init("features", "features"), .init("threads", "threads"),
    .init("learner", "learner"), .init("cpu_per_tree", "CPU/tree"),
    .init("wall_per_tree", "wall/tree"), .init("cpu_ratio", "ours/CPU"),
    .init("wall_ratio", "ours/wall"), .init("binning", "binning"), .init("memory"),
    .init("memory_megabytes", "MB"), .init("auroc", "AUROC"),
  ]

  private static let notes = [
    "",
    "Least of the runs, training alone; the learners take turns. `ours/CPU`, `ours/wall`: Wardround's"
      + " figure over the row's. `binning`: processor time of making the bins.",
    "`MB`: most memory of making the bins and training, above what the raw rows took before.",
    "`AUROC`: on 100,000 rows that training never saw.",
  ]

  func run() throws {
    if let child {
      guard let table = TableFile(child) else { throw Problem("not a table: \(child)") }
      guard stopping.isEmpty else {
        let settings = stopping.compactMap { StoppingRun.Settings($0) }
        guard settings.count == stopping.count else { throw Problem("not settings of a stop") }
        try StoppingRun(table: table, seed: seed).run(settings, predictions: predictions)
        return
      }
      let run = try LocalRun(
        table: table, threads: threads.values.first ?? 1, trees: trees, depth: depth,
        rowRate: rowRate, seed: seed)
      try run.print(predictions: predictions)
      return
    }
    var report = Report("trees", columns: Self.columns)
    for text in tables.split(separator: ",") {
      let sizes = text.split(separator: "x").compactMap { Int($0) }
      guard sizes.count == 2, sizes[0] > 0, sizes[1] > 0 else {
        throw Problem("tables are written ROWSxFEATURES")
      }
      let table = try TableFile.make(rows: sizes[0], features: sizes[1], missing: missing)
      defer { try? FileManager.default.removeItem(atPath: table.path) }
      for threads in threads.values {
        for row in try measure(table, threads: threads) { report.add(row) }
      }
    }
    try report.end(json: options.json, notes: Self.notes, violations: [])
  }

  private func measure(_ table: TableFile, threads: Int) throws -> [[String: Report.Value]] {
    let names = learners.split(separator: ",").map(String.init)
    var best: [String: Figures] = [:]
    var auroc: [String: Double] = [:]
    var failed: Set<String> = []
    for number in 0..<max(repeats, 1) {
      for name in names {
        let out = number == 0 ? table.path + ".predictions" : "-"
        guard !failed.contains(name) else { continue }
        let figures: Figures
        do {
          figures = try one(name, table: table, threads: threads, predictions: out)
        } catch  where name != "wardround" {
          // Another learner's own failure is said and does not hide the other figures.
          failed.insert(name)
          best[name] = nil
          FileHandle.standardError.write(Data("note: \(name) failed on this table\n".utf8))
          continue
        }
        best[name] = best[name].map { $0.least(figures) } ?? figures
        if number == 0 {
          auroc[name] = try table.auroc(predictions: out)
          try? FileManager.default.removeItem(atPath: out)
        }
      }
    }
    let ours = best["wardround"]
    return names.compactMap { name in
      guard let figures = best[name] else { return nil }
      func ratio(_ path: KeyPath<Figures, Double>) -> Report.Value {
        guard let ours, name != "wardround" else { return .missing }
        return .ratio(ours[keyPath: path] / figures[keyPath: path])
      }
      return [
        "rows": .count(table.rows), "features": .count(table.features),
        "threads": .count(threads), "learner": .text(name),
        "cpu_per_tree": .seconds(figures.cpu / Double(trees)),
        "wall_per_tree": .seconds(figures.wall / Double(trees)), "cpu_ratio": ratio(\.cpu),
        "wall_ratio": ratio(\.wall), "binning": .seconds(figures.binning),
        "memory": .count(Int(figures.memory)),
        "memory_megabytes": .count(Int(figures.memory) / 1_000_000),
        "auroc": auroc[name].map { .ratio($0) } ?? .missing,
      ]
    }
  }

  private func one(
    _ learner: String, table: TableFile, threads: Int, predictions: String
  ) throws -> Figures {
    if learner == "wardround" {
      return try Figures.from(
        CommandLine.arguments[0],
        [
          "--child", table.description, "--threads", String(threads), "--trees", String(trees),
          "--depth", String(depth), "--row-rate", String(rowRate), "--predictions", predictions,
        ])
    }
    return try Figures.from(
      "/usr/bin/env",
      [
        python, script, learner, table.path, String(table.features), String(table.rows),
        String(threads), String(trees), String(depth), String(rowRate), predictions,
      ])
  }
}
