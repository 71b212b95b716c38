import Foundation

/// Results on standard output, as text or as one JSON object.
enum Output {
  /// Prints a value as one JSON object with sorted keys.
  static func json(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    print(String(decoding: try encoder.encode(value), as: UTF8.self))
  }

  /// Prints rows under a header, columns aligned; numbers to the right.
  static func table(_ header: [String], _ rows: [[String]]) {
    let widths = header.indices.map { column in
      ([header] + rows).map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    func line(_ cells: [String]) -> String {
      zip(cells, widths).map { cell, width in
        let pad = String(repeating: " ", count: max(0, width - cell.count))
        let isNumber = cell.first.map { $0.isNumber || $0 == "-" || $0 == "–" } ?? false
        return isNumber ? pad + cell : cell + pad
      }.joined(separator: "  ")
    }
    print(line(header))
    print(widths.map { String(repeating: "─", count: $0) }.joined(separator: "──"))
    for row in rows { print(line(row)) }
  }
}
