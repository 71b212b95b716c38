import ArgumentParser
import BenchmarkSupport
import DifferentialPrivacy
import Foundation

/// `scripts/bench noise`: draws of the exact samplers, and rounds with layers of noise beside plain
/// ones, in one process on one thread.
@main
struct NoiseBenchmark: ParsableCommand {
  @OptionGroup var options: ReportOptions
  @Option(help: "Draws per measurement.")
  var length = 1_000_000
  @Option(help: "Measurements per row; the median is shown.")
  var repeats = 9
  @Option(help: "Sizes of rosters for rounds, separated by commas.")
  var sites = Numbers([4, 10])
  @Option(help: "Numbers of a vector in a round, at most 65536.")
  var roundLength = 10_000

  func validate() throws {
    guard length >= 1, repeats >= 1, 1...65_536 ~= roundLength else {
      throw ValidationError("--length and --repeats are at least 1, --round-length at most 65536")
    }
  }

  private static let columns: [Report.Column] = [
    .init("sampler", "sampler"), .init("variance", "variance"), .init("length", "draws"),
    .init("seconds", "time"), .init("nanoseconds_per_draw", "ns per draw"),
    .init("sites", "sites"), .init("plain_seconds", "plain round"),
    .init("site_seconds", "of it a site"), .init("plain_site_seconds", "plain site"),
    .init("ratio", "/plain"),
  ]

  private static let notes = [
    "", "Processor time, medians, one thread, keystream included. Nothing is gated.",
    "`round`: messages, signatures, masks and noise of all parties of one round, without network and"
      + " disk; nobody is missing, so all layers come off. `/plain`: whole round over whole plain round.",
  ]

  func run() throws {
    var report = Report("noise", columns: Self.columns)
    let seed = SeedOfZeros()
    for exponent in [4, 8, 12, 20, 30, 40, 60] {
      let sampler = try DiscreteGaussian(variance: 1 << UInt64(exponent))
      try add("discrete Gaussian", "2^\(exponent)", length, to: &report) {
        try sampler.fill(into: &$0, seed: seed.bytes)
      }
    }
    let laplace = try DiscreteLaplace(numerator: 1 << 10)
    try add("discrete Laplace", "2^21", length, to: &report) {
      try laplace.fill(into: &$0, seed: seed.bytes)
    }
    for exponent in [4, 8, 12] {
      let sampler = try Skellam(variance: 1 << UInt64(exponent))
      try add("Skellam", "2^\(exponent)", max(1, length / 10), to: &report) {
        try sampler.fill(into: &$0, seed: seed.bytes)
      }
    }
    for count in sites.values {
      let cost = try NoisyRound(siteCount: count, length: roundLength, repeats: repeats)
      report.add([
        "sampler": .text("round"), "variance": .text("2^30"), "length": .count(roundLength),
        "sites": .count(count), "seconds": .seconds(cost.noisy),
        "plain_seconds": .seconds(cost.plain),
        "site_seconds": .seconds(cost.noisySite), "plain_site_seconds": .seconds(cost.plainSite),
        "ratio": .ratio(cost.noisy / cost.plain),
      ])
    }
    try report.end(json: options.json, notes: Self.notes, violations: [])
  }

  private func add(
    _ name: String, _ variance: String, _ count: Int, to report: inout Report,
    _ fill: (inout [Int64]) throws -> Void
  ) throws {
    var values = [Int64](repeating: 0, count: count)
    var times: [Double] = []
    for _ in 0..<repeats { times.append(try CPUClock.measure { try fill(&values) }) }
    report.add([
      "sampler": .text(name), "variance": .text(variance), "length": .count(count),
      "seconds": .seconds(times.median),
      "nanoseconds_per_draw": .ratio(times.median * 1e9 / Double(count)),
    ])
  }
}

/// 32 zero bytes that stay where they are.
private final class SeedOfZeros {
  let bytes: UnsafeRawBufferPointer

  init() {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 32, alignment: 1)
    memory.initializeMemory(as: UInt8.self, repeating: 0)
    bytes = UnsafeRawBufferPointer(memory)
  }

  deinit { UnsafeMutableRawBufferPointer(mutating: bytes).deallocate() }
}
