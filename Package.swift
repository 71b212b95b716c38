// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [.treatAllWarnings(as: .error)]

/// A target of ours; its tests, where it has them, live in Tests/<name>Tests.
func target(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.byName(name: name)] + dependencies,
    swiftSettings: settings)
}

let argumentParser: Target.Dependency = .product(
  name: "ArgumentParser", package: "swift-argument-parser")
let x509: [Target.Dependency] = [
  .product(name: "X509", package: "swift-certificates"),
  .product(name: "Crypto", package: "swift-crypto"),
  .product(name: "SwiftASN1", package: "swift-asn1"),
]
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let grpc: [Target.Dependency] = [
  .product(name: "GRPCCore", package: "grpc-swift-2"),
  .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
  .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
  .product(name: "SwiftProtobuf", package: "swift-protobuf"),
  .product(name: "NIOSSL", package: "swift-nio-ssl"),
  .product(name: "NIOCore", package: "swift-nio"),
  .product(name: "NIOPosix", package: "swift-nio"),
  .product(name: "NIOTLS", package: "swift-nio"),
]

let package = Package(
  name: "wardround",
  products: [
    // For the package Benchmarks/.
    .library(name: "Trees", targets: ["BoostedTrees", "PortableNumerics"]),
    .library(name: "SecureSums", targets: ["Cryptography", "FixedPoint", "SecureAggregation"]),
    .library(name: "Noise", targets: ["DifferentialPrivacy"]),
    .library(
      name: "Roles",
      targets: [
        "Aggregator", "Cohort", "Cryptography", "Identity", "SecureAggregation", "Site", "Store",
        "Study", "Transport",
      ]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
    .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.3"),
    .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.2"),
    .package(url: "https://github.com/grpc/grpc-swift-protobuf", from: "2.4.1"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .systemLibrary(
      name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

    // Leaves
    target("CanonicalBytes"),
    target("Cryptography", ["CanonicalBytes", "CSodium", "COpenSSL"]),
    target("FixedPoint", ["CanonicalBytes", "Cryptography"]),
    target("PortableNumerics"),
    target("StrictYAML", [yams]),

    // Cores
    target("BoostedTrees", ["PortableNumerics"]),
    target("Cohort", ["CanonicalBytes", "Cryptography", "PortableNumerics"]),
    target("LinearModels", ["PortableNumerics"]),
    target("Records", ["CanonicalBytes", "Cohort", "Cryptography", "PortableNumerics"]),
    target("Validation", ["CanonicalBytes", "PortableNumerics"]),
    target("SecureAggregation", ["CanonicalBytes", "Cryptography", "FixedPoint"]),
    target("DifferentialPrivacy", ["CanonicalBytes", "Cryptography", "PortableNumerics"]),

    // Program
    target(
      "Study",
      [
        "BoostedTrees", "CanonicalBytes", "Cohort", "Cryptography", "DifferentialPrivacy",
        "FixedPoint", "LinearModels", "PortableNumerics", "Records", "SecureAggregation",
        "StrictYAML", "Validation",
      ]),

    // Audit
    target(
      "PrivacyAudit",
      [
        "Cohort", "Cryptography", "DifferentialPrivacy", "LinearModels", "PortableNumerics",
        "Study",
      ]),

    // Adapters
    target("Identity", ["CanonicalBytes", "Cryptography"] + x509),
    target("Store", ["CanonicalBytes", "Cryptography", "CSQLite", "SecureAggregation", grdb]),
    target("Transport", ["CanonicalBytes", "Identity"] + x509 + grpc),
    target(
      "SiteData", ["CPostgres", "CSQLite", "CZlib", "Cohort", "Records", "StrictYAML"]),
    target("DemoData", ["PortableNumerics"]),
    target(
      "Reports",
      [
        "BoostedTrees", "CanonicalBytes", "Cohort", "Cryptography", "LinearModels",
        "PortableNumerics", "PrivacyAudit", "Records", "Study", "Validation",
      ]),

    // Roles
    target(
      "Site",
      [
        "CanonicalBytes", "Cohort", "Cryptography", "DifferentialPrivacy", "FixedPoint", "Identity",
        "LinearModels", "SecureAggregation", "SiteData", "Store", "StrictYAML", "Study",
        "Transport",
      ]),
    target(
      "Aggregator",
      [
        "CanonicalBytes", "Cryptography", "DifferentialPrivacy", "FixedPoint", "Identity",
        "Reports",
        "SecureAggregation", "Store", "StrictYAML", "Study", "Transport",
      ]),

    target(
      "Simulation",
      [
        "Aggregator", "Cohort", "Cryptography", "Identity", "Reports", "Site", "Store", "Study",
        "Transport",
      ]),

    .executableTarget(
      name: "wardround",
      dependencies: [
        "Aggregator", "Cohort", "Cryptography", "DemoData", "DifferentialPrivacy", "Identity",
        "PrivacyAudit", "Records", "Reports", "SecureAggregation", "Simulation", "Site", "SiteData",
        "Store", "StrictYAML", "Study", "Transport", "Validation", argumentParser,
      ], swiftSettings: settings),

    .testTarget(name: "LayeringTests", exclude: ["layers.json"], swiftSettings: settings),
    tests("CanonicalBytes"),
    tests("Cryptography", ["CanonicalBytes"]),
    tests("FixedPoint", ["Cryptography"]),
    tests("PortableNumerics"),
    tests("StrictYAML"),
    tests("Cohort", ["CanonicalBytes", "PortableNumerics"]),
    tests("BoostedTrees", ["PortableNumerics"]),
    tests("LinearModels", ["PortableNumerics"]),
    tests("Records", ["CanonicalBytes", "Cohort", "PortableNumerics"]),
    tests("Validation", ["CanonicalBytes", "PortableNumerics"]),
    tests("SiteData", ["CSQLite", "Cohort", "Records", "StrictYAML"]),
    tests("DemoData", ["Cohort", "SiteData", "StrictYAML"]),
    tests("Identity", ["CanonicalBytes", "Cryptography"] + x509),
    tests("Store", ["CanonicalBytes", "Cryptography", grdb]),
    tests("Transport", ["CanonicalBytes", "Identity"] + x509 + grpc),
    tests(
      "SecureAggregation", ["CanonicalBytes", "Cryptography", "DifferentialPrivacy", "FixedPoint"]),
    tests("DifferentialPrivacy", ["CanonicalBytes", "Cryptography", "PortableNumerics"]),
    tests(
      "Reports",
      [
        "BoostedTrees", "Cohort", "LinearModels", "PortableNumerics", "PrivacyAudit", "Records",
        "Study", "Validation",
      ]),
    .target(
      name: "TestSupport",
      dependencies: [
        "Cohort", "Cryptography", "FixedPoint", "PortableNumerics", "SecureAggregation", "Study",
      ],
      path: "Tests/TestSupport", swiftSettings: settings),
    .testTarget(
      name: "StudyTests",
      dependencies: [
        "BoostedTrees", "CanonicalBytes", "Cohort", "Cryptography", "DemoData",
        "DifferentialPrivacy", "LinearModels", "PortableNumerics", "Records",
        "SecureAggregation", "SiteData", "StrictYAML", "Study", "TestSupport",
      ], exclude: ["Oracles"], swiftSettings: settings),
    tests(
      "PrivacyAudit",
      [
        "Cohort", "DifferentialPrivacy", "LinearModels", "PortableNumerics", "SiteData",
        "StrictYAML", "Study", "TestSupport",
      ]),
    .testTarget(
      name: "MembershipTests",
      dependencies: [
        "Aggregator", "CanonicalBytes", "Identity", "Site", "SiteData", "Store", "StrictYAML",
        "Transport", "wardround",
      ], swiftSettings: settings),
    .testTarget(
      name: "SimulationTests",
      dependencies: [
        "Aggregator", "Cohort", "Cryptography", "DifferentialPrivacy", "FixedPoint", "Identity",
        "PortableNumerics", "Reports", "SecureAggregation", "Simulation", "Site", "SiteData",
        "Store", "Study", "TestSupport", "Transport",
      ], swiftSettings: settings),
    // `wardround` is built with them: they run it.
    .testTarget(
      name: "EndToEndTests",
      dependencies: [
        "BoostedTrees", "CanonicalBytes", "Cohort", "Cryptography", "Identity",
        "PortableNumerics", "Reports", "SecureAggregation", "Simulation", "Site", "SiteData",
        "Store", "Study", "TestSupport", "Transport", "wardround", grdb,
      ], swiftSettings: settings),
  ],
  swiftLanguageModes: [.v6]
)
