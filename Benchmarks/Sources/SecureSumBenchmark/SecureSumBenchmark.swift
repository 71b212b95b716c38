import ArgumentParser
import BenchmarkSupport
import FixedPoint
import Foundation
import SecureAggregation

/// `scripts/bench secure-sum`: real sessions in one process on one thread, without network and disk.
@main
struct SecureSumBenchmark: ParsableCommand {
  @OptionGroup var options: ReportOptions
  @Option(help: "Elements of a vector, the constant one included.")
  var length = 1_000_000
  @Option(help: "Sizes of the roster, separated by commas.")
  var sites = Numbers([3, 10, 50, 100])
  @Option(help: "Rounds per size; fewer for large ones by default.")
  var repeats: Int?
  @Option(help: .hidden)
  var memoryOf: Int?
  @Option(help: .hidden)
  var dropouts = 0

  func validate() throws {
    guard length >= 2, repeats ?? 1 > 0 else {
      throw ValidationError("--length is at least 2, --repeats at least 1")
    }
  }

  private static let columns: [Report.Column] = [
    .init("sites", "sites"), .init("dropouts", "dropouts"), .init("length"),
    .init("site_mask_seconds", "site masks"), .init("site_mask_floor_seconds"),
    .init("site_mask_ratio", "/floor"),
    .init("site_step_seconds", "site, all"), .init("site_step_floor_seconds"),
    .init("site_step_ratio", "/floor"), .init("site_step_per_mask_floor"),
    .init("site_verify_seconds", "verify"),
    .init("server_seconds", "server"), .init("server_floor_seconds"),
    .init("server_ratio", "/floor"), .init("server_per_mask_floor"),
    .init("server_hash_seconds", "hash in"), .init("server_all_ratio", "all/floor"),
    .init("upload_bytes"), .init("upload_ratio", "upload"),
    .init("aggregator_memory_vectors", "memory"),
  ]

  private static let notes = [
    "",
    "Processor time, medians, one thread. `site masks`: the masks of one vector, all keystreams fused;"
      + " floor: the same keystreams and additions in C on OpenSSL.",
    "`site, all`: tag, masks and digest, from the query's answer to the signed message; floor: the"
      + " masks' floor, the tag's keystream and one BLAKE2b over the vector by libsodium.",
    "`server`: adding the vectors, taking the masks off, digest of the sum; floor: the additions, the"
      + " keystreams that have to come off, one BLAKE2b.",
    "`hash in`: digests of all arriving vectors; `all/floor` includes them on both sides. `verify`: one"
      + " site's check of the published sum.",
    "`upload`: bytes of one site over those of its plain vector. `memory`: the aggregator's peak in"
      + " vectors, with one arriving payload.",
  ]

  func run() throws {
    if let memoryOf {
      print(
        try RoundMemory.peak(siteCount: memoryOf, silentCount: dropouts, length: length))
      return
    }
    let vectorByteCount = Double(length * RingWidth.bits32.byteCount)
    var floor = Floor(length: length)
    var report = Report("secure-sum", columns: Self.columns)
    var rows: [[String: Report.Value]] = []
    var figures: [(label: String, figures: [String: Double])] = []
    var configurations: [(sites: Int, silent: Int)] = []
    for sites in sites.values {
      let threshold = 2 * sites / 3 + 1
      for silent in Set([0, 1, sites - threshold]).sorted() where sites - silent >= threshold {
        configurations.append((sites, silent))
      }
    }
    for (sites, silent) in configurations {
      let repeats = repeats ?? max(1, min(9, 30 / sites))
      var rounds: [RoundCost] = []
      var masks: [Double] = []
      let answer = RingVector(zeros: length, width: .bits32)
      for _ in 0..<repeats {
        try floor.measure(keyCount: sites)
        rounds.append(try RoundCost(siteCount: sites, silentCount: silent, length: length))
        for _ in 0..<3 {
          try floor.measure(keyCount: sites)
          var vector = answer
          try MaskingParts.mask(&vector, keyCount: 1)  // its own memory, touched once
          masks.append(try CPUClock.measure { try MaskingParts.mask(&vector, keyCount: sites) })
        }
      }
      let keystream = floor.keystream[sites] ?? 0
      let present = Double(sites - silent)
      let maskFloor = Double(sites) * keystream
      let stepFloor = maskFloor + floor.tagKeystream + floor.hash
      let openingFloor = present * (1 + Double(silent)) * keystream + present * floor.addition
      let serverFloor = openingFloor + floor.hash
      let mask = masks.median
      let step = rounds.flatMap(\.sites).median
      let server = rounds.map { $0.adding + $0.opening }.median
      let hashing = rounds.map(\.hashing).median
      let upload = rounds.last?.uploadByteCount ?? 0
      rows.append([
        "sites": .count(sites), "dropouts": .count(silent), "length": .count(length),
        "site_mask_seconds": .seconds(mask), "site_mask_floor_seconds": .seconds(maskFloor),
        "site_mask_ratio": .ratio(mask / maskFloor),
        "site_step_seconds": .seconds(step), "site_step_floor_seconds": .seconds(stepFloor),
        "site_step_ratio": .ratio(step / stepFloor),
        "site_step_per_mask_floor": .ratio(step / maskFloor),
        "site_verify_seconds": .seconds(rounds.flatMap(\.verifying).median),
        "server_seconds": .seconds(server), "server_floor_seconds": .seconds(serverFloor),
        "server_ratio": .ratio(server / serverFloor),
        "server_per_mask_floor": .ratio(server / openingFloor),
        "server_hash_seconds": .seconds(hashing),
        "server_all_ratio": .ratio(
          (server + hashing) / (serverFloor + present * floor.hash)),
        "upload_bytes": .count(upload),
        "upload_ratio": .ratio(Double(upload) / vectorByteCount),
      ])
      figures.append(("n\(sites)", ["upload_ratio": Double(upload) / vectorByteCount]))
      FileHandle.standardError.write(Data("\(sites) sites, \(silent) dropouts: measured\n".utf8))
    }
    for (position, configuration) in configurations.enumerated() {
      let peak = try RoundMemory.measuredByChild(
        siteCount: configuration.sites, silentCount: configuration.silent, length: length)
      rows[position]["aggregator_memory_vectors"] = .ratio(Double(peak) / vectorByteCount)
      figures[position].figures["aggregator_memory_vectors"] = Double(peak) / vectorByteCount
      report.add(rows[position])
    }
    let violations =
      try options.thresholds.map {
        try Thresholds(file: $0, benchmark: "secure-sum").violations(in: figures)
      } ?? []
    try report.end(json: options.json, notes: Self.notes, violations: violations)
  }
}
