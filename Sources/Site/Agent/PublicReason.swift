import SecureAggregation
import Store
import Study

/// What the network is told about an error at this site.
///
/// Local errors name files, rows and columns for the data steward. None of that leaves the hospital:
/// the others learn what kind of thing went wrong, and that the site's own log has the rest.
enum PublicReason {
  /// Longest reason, in bytes of UTF-8; the receiver refuses longer ones.
  private static let longest = 4000

  static func of(_ error: any Error) -> String {
    let text =
      switch error {
      // Written for all parties of a study.
      case let error as StudyError: error.message
      case let error as SecureAggregationError: "\(error.code.name): \(error.message)"
      // The constant text: which file and which step stay in the local log.
      case let error as StoreError: error.message
      default:
        "it cannot read its data as the study asks, or failed otherwise; its own log says why"
      }
    return shortened(text)
  }

  /// A reason of at most the length that receivers take.
  static func shortened(_ text: String) -> String {
    guard text.utf8.count > longest else { return text }
    var result = ""
    var count = 0
    for character in text {
      count += character.utf8.count
      guard count <= longest else { break }
      result.append(character)
    }
    return result + "…"
  }
}
