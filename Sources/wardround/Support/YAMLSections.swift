/// Takes whole top-level sections out of a settings file, comments above them included.
enum YAMLSections {
  static func removing(_ names: Set<String>, from text: String) -> String {
    var kept: [Substring] = []
    var comments: [Substring] = []
    var isInside = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("#") {
        comments.append(line)
        continue
      }
      if let first = line.first, first != " ", first != "-" {
        isInside = names.contains(String(line.prefix { $0 != ":" }))
      }
      if !isInside { kept += comments + [line] }
      comments = []
    }
    return kept.joined(separator: "\n")
  }
}
