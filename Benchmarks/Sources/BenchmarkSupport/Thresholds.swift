import Foundation

/// The committed limits of bytes and memory. Times are not gated: a shared machine decides them.
public struct Thresholds {
  /// A figure above its limit.
  public struct Violation: CustomStringConvertible {
    public let description: String
  }

  private let limits: [String: Double]

  /// Reads the limits of one benchmark from the thresholds file.
  public init(file: String, benchmark: String) throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: file))
    let all = try JSONDecoder().decode([String: [String: Double]].self, from: data)
    limits = all[benchmark] ?? [:]
  }

  /// What is above its limit; a limit that no row was compared with counts as well, so that a renamed
  /// figure does not pass by silence. The key is the figure's name, or `<figure>@<label>` for the
  /// rows of one label.
  public func violations(in rows: [(label: String, figures: [String: Double])]) -> [Violation] {
    limits.sorted { $0.key < $1.key }.flatMap { key, limit -> [Violation] in
      let parts = key.split(separator: "@", maxSplits: 1).map(String.init)
      let compared = rows.filter { parts.count == 1 || $0.label == parts[1] }
        .compactMap { row in row.figures[parts[0]].map { (row.label, $0) } }
      guard !compared.isEmpty else {
        return [Violation(description: "\(key) was not measured")]
      }
      return compared.filter { !($0.1 <= limit) }.map {
        Violation(description: "\(parts[0]) is \($0.1) at \($0.0), the limit is \(limit)")
      }
    }
  }
}
