import Cryptography
import SecureAggregation

extension SumQuery {
  /// What the secure round of this query is about, as every party derives it.
  ///
  /// - Parameter digest: the query's, bound to the history (`digest(after:)`).
  /// - Throws: `invalidPlan` for an answer without elements or too long for a round.
  public func binding(
    digest: Digest, in plan: StudyPlan, manifest: Manifest
  ) throws -> RoundBinding {
    let length = try vectorLength(in: plan)
    guard
      let binding = RoundBinding(
        purpose: kind.rawValue, queryDigest: digest, ringWidth: ringWidth, answerLength: length,
        layers: try noiseLayers(for: plan, manifest: manifest, length: length))
    else {
      throw StudyError(
        .invalidPlan, "the \(purpose) ask for a vector without elements, or a too long one")
    }
    return binding
  }
}
