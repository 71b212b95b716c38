import CanonicalBytes
import Cohort

extension SumQuery {
  /// Whether the sites are against a model: one number, 1 from a site that is and 0 from one that is
  /// not.
  public struct VoteQuery: Sendable, Hashable {
    public var transform: FrozenTransform
    public var model: String
    /// Training steps the candidate is the result of.
    public var step: Int
    /// The model to be voted on: intercept first, standardised scale.
    public var candidate: [Double]
    /// The last one that was accepted; before the first vote, everybody at the prevalence.
    public var reference: [Double]
    /// Nats of log loss per patient that do not count.
    public var tolerance: Double
    /// Under differential privacy: the noise that each site adds to what it votes by, alone. The vote
    /// is then a function of a noisy number, and the count needs no more noise.
    public var noise: NoiseRequirement?

    func write(to writer: inout ByteWriter) {
      transform.write(to: &writer)
      writer.string(model)
      writer.integer(UInt32(step))
      writer.array(candidate) { $0.double($1) }
      writer.array(reference) { $0.double($1) }
      writer.double(tolerance)
      writer.optional(noise) { $1.write(to: &$0) }
    }
  }

  /// Whether every site adds the whole of `noise` by itself before it answers, so that none is shared
  /// out over the sum.
  public var isNoisedAtEachSite: Bool {
    if case .vote = self { return true }
    return false
  }
}
