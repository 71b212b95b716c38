import Cryptography
import Foundation
import Testing

/// A value of a vector file.
enum JSON: Decodable, Sendable {
  case object([String: JSON])
  case array([JSON])
  case string(String)
  case number(Int)
  case boolean(Bool)
  case null

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .boolean(value)
    } else if let value = try? container.decode(Int.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([JSON].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: JSON].self))
    }
  }

  subscript(name: String) -> JSON {
    if case .object(let members) = self { return members[name] ?? .null }
    return .null
  }

  var isNull: Bool { if case .null = self { true } else { false } }

  var array: [JSON] { if case .array(let values) = self { values } else { [] } }

  var object: [String: JSON] { if case .object(let members) = self { members } else { [:] } }

  var text: String { if case .string(let value) = self { value } else { "" } }

  /// A number, or a decimal string for one beyond 2^53.
  var integer: Int {
    switch self {
    case .number(let value): value
    case .string(let value): Int(value) ?? .min
    default: .min
    }
  }

  var unsigned: UInt64 {
    if case .string(let value) = self { return UInt64(value) ?? .max }
    return UInt64(clamping: integer)
  }

  var flag: Bool { if case .boolean(let value) = self { value } else { false } }

  /// Bytes in hexadecimal; what is not hexadecimal shows as an empty array and fails the comparison.
  var bytes: [UInt8] { Hexadecimal.decode(text) ?? [] }

  var integers: [Int] { array.map(\.integer) }

  var sites: [UInt16] { integers.map { UInt16(clamping: $0) } }

  /// A double by its bit pattern, big-endian in hexadecimal.
  var double: Double { Double(bitPattern: UInt64(text, radix: 16) ?? .max) }
}

/// The vector files of the protocol, written by its independent reference implementation.
struct VectorFile: Sendable, CustomTestStringConvertible {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../../protocol/vectors/secure-aggregation").standardizedFileURL

  let name: String
  let content: JSON

  var kind: String { content["kind"].text }
  var steps: [JSON] { content["steps"].array }
  var testDescription: String { name }

  static func named(_ name: String) throws -> VectorFile {
    let data = try Data(contentsOf: folder.appending(path: name))
    return VectorFile(name: name, content: try JSONDecoder().decode(JSON.self, from: data))
  }

  /// Every file in the folder; one that does not decode appears with empty content and fails.
  static let all: [VectorFile] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path())) ?? []
    return names.sorted().map { (try? named($0)) ?? VectorFile(name: $0, content: .null) }
  }()

  static func all(ofKind kind: String) -> [VectorFile] { all.filter { $0.kind == kind } }
}
