/// Mean losses of a training after some iterations.
public struct MeasuredLoss: Sendable, Hashable, Codable {
  public var iteration: Int
  /// Nil without evaluation patients.
  public var evaluation: Double?
  public var training: Double?
}
