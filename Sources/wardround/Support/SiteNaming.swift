import ArgumentParser
import Foundation
import Identity

/// Site names from the names of files or the words of a column.
enum SiteNaming {
  /// The site's name that a text stands for: lower case, letters without their accents (ß as ss, ø as o),
  /// and one hyphen for every run of other characters than letters and digits; nil where a letter has no
  /// counterpart in a-z, nothing is left, or more than 63 characters are.
  ///
  /// `A/B/C` gives `a-b-c`, `site_1` gives `site-1`, `Zürich` gives `zurich`.
  static func siteName(from text: String) -> String? {
    var name = ""
    for scalar in text.lowercased().decomposedStringWithCanonicalMapping.unicodeScalars {
      switch scalar {
      case "a"..."z", "0"..."9": name.unicodeScalars.append(scalar)
      case _ where scalar.properties.generalCategory == .nonspacingMark: continue
      case _ where spelt[scalar] != nil: name += spelt[scalar] ?? ""
      case _ where scalar.properties.isAlphabetic || scalar.properties.numericType != nil:
        return nil
      default: if !name.isEmpty, name.last != "-" { name += "-" }
      }
    }
    while name.last == "-" { name.removeLast() }
    return (try? MemberName(name))?.text
  }

  /// Letters that no decomposition takes apart.
  private static let spelt: [Unicode.Scalar: String] = [
    "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "ı": "i",
    "ħ": "h",
  ]

  /// The site's name of every text, in their order.
  ///
  /// - Parameters:
  ///   - kind: what the texts are in the message, as "file".
  ///   - remedy: what to do about one that is refused.
  /// - Throws: naming the text that gives no name, or the two that give the same.
  static func siteNames(
    of texts: [(original: String, stem: String)], kind: String, remedy: String
  ) throws -> [String] {
    var originals: [String: String] = [:]
    return try texts.map { text in
      let shown = PlainText.of(text.original)
      guard let name = siteName(from: text.stem) else {
        throw ValidationError(
          "the \(kind) `\(shown)` gives no site name: names have 1 to 63 of a-z, 0-9 and hyphens, and"
            + " accents are dropped; \(remedy)")
      }
      if let other = originals.updateValue(shown, forKey: name) {
        throw ValidationError(
          "the \(kind)s `\(other)` and `\(shown)` both give the site name `\(name)`; \(remedy)")
      }
      return name
    }
  }
}
