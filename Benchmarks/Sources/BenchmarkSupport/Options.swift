import ArgumentParser

/// Why a benchmark stopped.
public struct Problem: Error, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description }
}

/// The options of every benchmark.
public struct ReportOptions: ParsableArguments {
  @Flag(help: "Print the rows as JSON.")
  public var json = false
  @Option(help: "The limits of bytes and memory; nothing is gated without it.")
  public var thresholds: String?

  public init() {}
}

/// Whole numbers above 0, separated by commas.
public struct Numbers: ExpressibleByArgument {
  public let values: [Int]

  public init?(argument: String) {
    let numbers = argument.split(separator: ",").map { Int($0) ?? 0 }
    guard !numbers.isEmpty, numbers.allSatisfy({ $0 > 0 }) else { return nil }
    values = numbers
  }

  public init(_ values: [Int]) { self.values = values }

  public var defaultValueDescription: String { values.map(String.init).joined(separator: ",") }
}
