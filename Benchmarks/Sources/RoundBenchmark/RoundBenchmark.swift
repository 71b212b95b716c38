import ArgumentParser
import BenchmarkSupport
import Foundation

/// `scripts/bench round`: a network of real processes on the loopback interface, with mutual TLS and
/// the journals of every side, that does nothing but secure rounds.
@main
struct RoundBenchmark: AsyncParsableCommand {
  /// What this process is; the parent of all others when it is nothing.
  enum Part: String, ExpressibleByArgument {
    case aggregator, site
  }

  @OptionGroup var options: ReportOptions
  @Option(help: "Elements of a round's vector, separated by commas.")
  var lengths = Numbers([1_000, 1_000_000])
  @Option(help: "Rounds measured for each length; 200 of short and 10 of long ones by default.")
  var rounds: Numbers?
  @Option(help: "Hospitals, at least 3.")
  var sites = 4
  @Flag(help: "Measure sums in clear beside the secure ones, over the same processes and journals.")
  var plain = false
  @Option(help: .hidden)
  var part: Part?
  @Option(help: .hidden)
  var name = ""
  @Option(help: .hidden)
  var folder = ""
  @Option(help: .hidden)
  var pause = 0.0

  private var roundCounts: [Int] {
    rounds?.values ?? lengths.values.map { $0 < 100_000 ? 200 : 10 }
  }

  func validate() throws {
    guard roundCounts.count == lengths.values.count else {
      throw ValidationError("--rounds takes one number for each of --lengths")
    }
    guard (3...200).contains(sites) else { throw ValidationError("--sites is 3 to 200") }
  }

  func run() async throws {
    guard let part else { return try await measure() }
    Thread.detachNewThread {
      // The parent holds the other end: without it nobody waits for this process.
      _ = FileHandle.standardInput.readDataToEndOfFile()
      _exit(3)
    }
    let network = Network(folder: folder, siteCount: sites, length: lengths.values[0])
    let exchange = PlainExchange(network: network, rounds: roundCounts[0])
    switch part {
    case .aggregator where plain:
      let outcome = try await exchange.aggregate()
      print(String(decoding: try JSONEncoder().encode(outcome), as: UTF8.self))
    case .site where plain:
      print(try await exchange.answer(as: name))
    case .aggregator:
      let outcome = try await AggregatorProcess(
        network: network, rounds: roundCounts[0], pause: pause
      ).run()
      print(String(decoding: try JSONEncoder().encode(outcome), as: UTF8.self))
    case .site:
      print(
        try await SiteProcess(network: network, name: name, rounds: roundCounts[0]).run())
    }
  }

  private static let columns: [Report.Column] = [
    .init("sites", "sites"), .init("length", "length"), .init("rounds", "rounds"),
    .init("round_median_seconds", "round, median"), .init("round_p90_seconds", "90 %"),
    .init("round_maximum_seconds", "max"),
    .init("back_to_back_median_seconds", "with query"),
    .init("aggregator_processor_seconds", "aggregator CPU"),
    .init("site_processor_seconds", "site CPU"), .init("aggregator_memory_vectors", "memory"),
    .init("plain_median_seconds", "in clear, median"),
    .init("plain_processor_seconds", "in clear, CPU of all"),
  ]

  private static let notes = [
    "",
    "`round`: from the aggregator's question to the published sum, wall time, journals synced on every"
      + " side, the sites' answers being ready. `with query`: rounds back to back, with what the sites"
      + " do between two of them.",
    "`memory`: growth of the aggregator's resident memory during the rounds, in vectors, measured in a"
      + " run of its own.",
    "`in clear`: vectors that go up as they are and a sum that comes back, over the same connections with"
      + " the same durable transcripts (--plain). Nothing of it is in the product.",
  ]

  private func measure() async throws {
    var report = Report("round", columns: Self.columns)
    var figures: [(label: String, figures: [String: Double])] = []
    for (length, rounds) in zip(lengths.values, roundCounts) {
      let isLong = length >= 100_000
      let back = try await Group(siteCount: sites, length: length, rounds: rounds).run()
      let ready =
        isLong
        ? try await Group(
          siteCount: sites, length: length, rounds: rounds, pause: Double(length) * 5e-7
        ).run() : back
      let memory =
        isLong
        ? try await Group(
          siteCount: sites, length: length, rounds: rounds,
          environment: ResidentMemory.followingEnvironment
        ).run() : back
      let clear =
        plain
        ? try await Group(
          siteCount: sites, length: length, rounds: rounds, isPlain: true
        ).run() : nil
      let vectors = Double(memory.memoryPeak - memory.memoryBefore) / Double(4 * length)
      report.add([
        "sites": .count(sites), "length": .count(length), "rounds": .count(rounds),
        "round_median_seconds": .seconds(ready.roundSeconds.median),
        "round_p90_seconds": .seconds(ready.roundSeconds.quantile(0.9)),
        "round_maximum_seconds": .seconds(ready.roundSeconds.max() ?? 0),
        "back_to_back_median_seconds": .seconds(back.periodSeconds.median),
        "aggregator_processor_seconds": .seconds(back.processorSeconds),
        "site_processor_seconds": .seconds(back.siteProcessorSeconds),
        "aggregator_memory_vectors": isLong ? .ratio(vectors) : .missing,
        "plain_median_seconds": clear.map { .seconds($0.roundSeconds.median) } ?? .missing,
        "plain_processor_seconds": clear.map {
          .seconds($0.processorSeconds + Double(sites) * $0.siteProcessorSeconds)
        } ?? .missing,
      ])
      if isLong { figures.append(("d\(length)", ["aggregator_memory_vectors": vectors])) }
    }
    let violations =
      try options.thresholds.map {
        try Thresholds(file: $0, benchmark: "round").violations(in: figures)
      } ?? []
    try report.end(json: options.json, notes: Self.notes, violations: violations)
  }
}
