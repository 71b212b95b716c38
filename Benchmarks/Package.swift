// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that neither the product nor its tests depend on a benchmark. It is built
// on request by `scripts/bench`, in the scratch folder of the release build: what that folder holds
// already is not compiled again.

let settings: [SwiftSetting] = [.treatAllWarnings(as: .error)]

let argumentParser: Target.Dependency = .product(
  name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
  name: "wardround-benchmarks",
  dependencies: [
    .package(name: "wardround", path: ".."),
    // The same packages as the product, so that one scratch folder serves both.
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
  ],
  targets: [
    // The machine's own floor, in C on the system's libraries, with no code of ours below it.
    .target(
      name: "MachineFloor",
      linkerSettings: [.linkedLibrary("crypto"), .linkedLibrary("sodium")]),
    .target(
      name: "BenchmarkSupport", dependencies: [argumentParser], swiftSettings: settings),
    .executableTarget(
      name: "secure-sum-benchmark",
      dependencies: [
        argumentParser, "BenchmarkSupport", "MachineFloor",
        .product(name: "SecureSums", package: "wardround"),
      ], path: "Sources/SecureSumBenchmark", swiftSettings: settings),
    .executableTarget(
      name: "noise-benchmark",
      dependencies: [
        argumentParser, "BenchmarkSupport", .product(name: "Noise", package: "wardround"),
        .product(name: "SecureSums", package: "wardround"),
      ],
      path: "Sources/NoiseBenchmark", swiftSettings: settings),
    .executableTarget(
      name: "round-benchmark",
      dependencies: [
        argumentParser, "BenchmarkSupport", .product(name: "Roles", package: "wardround"),
      ],
      path: "Sources/RoundBenchmark", swiftSettings: settings),
    .executableTarget(
      name: "trees-benchmark",
      dependencies: [
        argumentParser, "BenchmarkSupport", .product(name: "Trees", package: "wardround"),
      ],
      path: "Sources/TreesBenchmark", swiftSettings: settings),
  ],
  swiftLanguageModes: [.v6]
)
