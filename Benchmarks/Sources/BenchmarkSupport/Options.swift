/// Why a benchmark stopped.
public struct Problem: Error, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description }
}

/// The command line of a benchmark.
public struct Options {

  public var json = false
  /// Path of thresholds.json; nothing is gated without it.
  public var thresholds: String?
  /// Remaining `--name value` pairs.
  public private(set) var values: [String: String] = [:]

  /// - Parameter known: names of the further options that take a value.
  public init(_ arguments: [String], known: Set<String>) throws(Problem) {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      if argument == "--json" {
        json = true
        continue
      }
      let name = String(argument.dropFirst(2))
      guard argument.hasPrefix("--"), name == "thresholds" || known.contains(name),
        let value = rest.popFirst()
      else {
        throw Problem(
          "unknown argument `\(argument)`; there are --json, "
            + known.sorted().map { "--\($0) VALUE" }.joined(separator: ", "))
      }
      if name == "thresholds" { thresholds = value } else { values[name] = value }
    }
  }

  /// A list of numbers separated by commas; `standard` when the option is not given.
  public func numbers(_ name: String, standard: [Int]) throws(Problem) -> [Int] {
    guard let text = values[name] else { return standard }
    let numbers = text.split(separator: ",").map { Int($0) }
    guard !numbers.isEmpty, numbers.allSatisfy({ ($0 ?? 0) > 0 }) else {
      throw Problem("--\(name) takes whole numbers above 0, separated by commas")
    }
    return numbers.compactMap { $0 }
  }
}
