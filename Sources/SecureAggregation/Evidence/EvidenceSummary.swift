/// One piece of evidence in words, for a list of what a party keeps.
public struct EvidenceSummary: Sendable, Equatable {
  /// The registered name of the fault that stopped the round.
  public let fault: String
  /// What the piece shows, without a patient's value.
  public let text: String
  /// Whether it proves something by itself.
  public let proves: Bool

  /// - Parameters:
  ///   - round: the round of the fault; 0 when keys were being agreed.
  ///   - layerNoise: the sampler of the study's noise, for sums that carry some.
  public init(_ piece: Evidence, round: UInt64, layerNoise: LayerNoise?) {
    let fault = FaultCode(rawValue: piece.code)?.name ?? "code \(piece.code)"
    let review = try? EvidenceReview([piece], layerNoise: layerNoise)
    let words = review?.findings.map { $0.sentence(name: piece.manifest.manifest.name) } ?? []
    self.fault = fault
    proves = review?.provesMisbehaviour ?? false
    text =
      proves
      ? words.joined(separator: " ")
      : "\(fault) in round \(round): proves nothing alone; it may beside another party's evidence"
  }
}
