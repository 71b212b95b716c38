import Foundation

/// JSON files that begin with their format's name and have no key their format does not have.
enum StrictJSON {
  /// Sorted keys, two spaces, UTF-8, a newline at the end.
  static func encode(_ value: some Encodable) throws(ReportsError) -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    do {
      return try encoder.encode(value) + Data("\n".utf8)
    } catch {
      throw ReportsError(.outOfRange, "a number is not finite")
    }
  }

  /// Decodes a file of one format. What the decoded value would not write again is a key the format
  /// does not have, and is refused: a misspelt key must not pass for an absent one.
  static func decode<Value: Codable>(
    _ type: Value.Type, from data: Data, format: String, limit: Int
  ) throws(ReportsError) -> Value {
    guard data.count <= limit else { throw ReportsError(.tooLarge, "the file is too large") }
    let object = try tree(data)
    guard let root = object as? [String: Any] else {
      throw ReportsError(.malformed, "the file is not a JSON object")
    }
    guard let found = root["format"] as? String else {
      throw ReportsError(.malformed, "the file does not name its format", field: "format")
    }
    guard found == format else {
      throw ReportsError(
        .unknownFormat, "this program reads the format \(format) only", field: "format")
    }
    let value: Value
    do {
      value = try JSONDecoder().decode(type, from: data)
    } catch let error as DecodingError {
      throw ReportsError(.malformed, "a value is absent or of another kind", field: error.place)
    } catch {
      throw ReportsError(.malformed, "a value is not possible")
    }
    if let key = firstDifference(object, try tree(try encode(value)), at: "") {
      throw ReportsError(.unknownKey, "the format has no such key", field: key)
    }
    return value
  }

  private static func tree(_ data: Data) throws(ReportsError) -> Any {
    do {
      return try JSONSerialization.jsonObject(with: data)
    } catch {
      throw ReportsError(.malformed, "the file is not JSON")
    }
  }

  /// Path of the first key of `read` that `written` does not have.
  private static func firstDifference(_ read: Any, _ written: Any?, at path: String) -> String? {
    if let object = read as? [String: Any] {
      let known = written as? [String: Any]
      for key in object.keys.sorted() {
        let place = path.isEmpty ? key : "\(path).\(key)"
        guard let value = object[key] else { continue }
        if value is NSNull { continue }
        guard let other = known?[key] else { return place }
        if let deeper = firstDifference(value, other, at: place) { return deeper }
      }
    } else if let array = read as? [Any], let other = written as? [Any] {
      for (index, value) in array.enumerated() {
        let counterpart = other.indices.contains(index) ? other[index] : nil
        if let deeper = firstDifference(value, counterpart, at: "\(path)[\(index)]") {
          return deeper
        }
      }
    }
    return nil
  }
}

extension DecodingError {
  /// The path of the value that could not be read.
  var place: String {
    let context: Context? =
      switch self {
      case .typeMismatch(_, let context), .valueNotFound(_, let context),
        .dataCorrupted(let context):
        context
      case .keyNotFound(let key, let context):
        Context(codingPath: context.codingPath + [key], debugDescription: "")
      @unknown default: nil
      }
    var path = ""
    for key in context?.codingPath ?? [] {
      if let index = key.intValue {
        path += "[\(index)]"
      } else {
        path += path.isEmpty ? key.stringValue : ".\(key.stringValue)"
      }
    }
    return path
  }
}
