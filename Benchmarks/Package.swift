// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that neither the product nor its tests depend on a benchmark. It is built
// on request by `scripts/bench`, in the scratch folder of the release build: what that folder holds
// already is not compiled again.

let settings: [SwiftSetting] = [.treatAllWarnings(as: .error)]

let package = Package(
  name: "wardround-benchmarks",
  dependencies: [.package(name: "wardround", path: "..")],
  targets: [
    // The machine's own floor, in C on the system's libraries, with no code of ours below it.
    .target(
      name: "MachineFloor",
      linkerSettings: [.linkedLibrary("crypto"), .linkedLibrary("sodium")]),
    .target(name: "BenchmarkSupport", swiftSettings: settings),
    .executableTarget(
      name: "secure-sum-benchmark",
      dependencies: [
        "BenchmarkSupport", "MachineFloor", .product(name: "SecureSums", package: "wardround"),
      ], path: "Sources/SecureSumBenchmark", swiftSettings: settings),
  ],
  swiftLanguageModes: [.v6]
)
