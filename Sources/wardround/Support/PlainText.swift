/// Text from a file or a peer on its way to a terminal.
enum PlainText {
  /// The text with every control and formatting character replaced, so that it cannot steer a
  /// terminal or hide what stands before it.
  static func of(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse:
        result.unicodeScalars.append("\u{FFFD}")
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
