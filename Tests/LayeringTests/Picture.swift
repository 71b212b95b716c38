import Foundation

/// The picture of the layers, `layers.json`: the lines from the bottom up, and who may import what.
///
/// A target may import every target on a line below its own, but for those in `only`; a target on its
/// own line where `sameLine` says so; and a module from outside the package where `outside` names the
/// target or its line. A name that ends in `*` stands for all modules that begin with it.
struct Picture: Decodable {
  struct Line: Decodable {
    var name: String
    var targets: [String]
  }

  var lines: [Line]
  var sameLine: [String: [String]]
  var only: [String: [String]]
  var outside: [String: [String]]

  var targets: [String] { lines.flatMap(\.targets) }

  /// The number of a target's line, from the bottom; nil when the picture does not have it.
  func level(of target: String) -> Int? {
    lines.firstIndex { $0.targets.contains(target) }
  }

  /// Why `target` may not import `module`; nil when it may.
  func objection(to module: String, in target: String) -> String? {
    guard let own = level(of: target) else { return "\(target) is not in the picture" }
    if module == "Swift" { return nil }
    if let other = level(of: module) {
      if let users = only[module] {
        return users.contains(target) ? nil : "only \(users.joined(separator: ", ")) may"
      }
      if other < own || sameLine[target]?.contains(module) == true { return nil }
      return other == own
        ? "both stand on the line of the \(lines[own].name)"
        : "\(module) stands above, with the \(lines[other].name)"
    }
    let rule = outside.first { name, _ in
      name.hasSuffix("*") ? module.hasPrefix(name.dropLast()) : module == name
    }
    guard let rule else { return "the picture does not know \(module)" }
    if rule.value.contains(target) || rule.value.contains(lines[own].name) { return nil }
    return "only \(rule.value.joined(separator: ", ")) may"
  }
}

/// One import in a source file.
struct ImportStatement: Equatable {
  var module: String
  var line: Int
}

/// The imports of a Swift source text, in any of their forms: with attributes, an access level, or
/// a kind (`import struct A.B`). Comments and string literals hold none.
func imports(in source: String) -> [ImportStatement] {
  var found: [ImportStatement] = []
  var isInText = false
  var commentDepth = 0
  for (index, line) in source.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
  {
    let opensOrCloses = line.components(separatedBy: "\"\"\"").count - 1
    defer { if opensOrCloses % 2 == 1 { isInText.toggle() } }
    if isInText { continue }
    var words = line.split(whereSeparator: \.isWhitespace)
    if line.contains("/*") || commentDepth > 0 {
      commentDepth += line.components(separatedBy: "/*").count - 1
      commentDepth -= line.components(separatedBy: "*/").count - 1
      continue
    }
    let levels: Set<Substring> = ["public", "package", "internal", "private", "fileprivate"]
    let kinds: Set<Substring> = [
      "struct", "class", "enum", "protocol", "func", "var", "let", "typealias", "actor",
    ]
    while let word = words.first, word.hasPrefix("@") || levels.contains(word) {
      words.removeFirst()
    }
    guard words.first == "import", words.count >= 2 else { continue }
    words.removeFirst()
    if kinds.contains(words[0]), words.count >= 2 { words.removeFirst() }
    let module = words[0].prefix { $0 != "." && $0 != ";" }
    found.append(ImportStatement(module: String(module), line: index + 1))
  }
  return found
}
