/// The moment from which a row looks back. The only way to a ``KnownEvent``, and so the only way
/// into a feature.
public struct PredictionTime: Sendable, Hashable {
  /// The index event's time.
  public let index: Int64
  /// When the prediction is made; never before `index`.
  public let seconds: Int64

  public init(index: Int64, offset: Int64) {
    self.index = RecordTime.clamping(index)
    seconds = self.index + max(0, min(offset, RecordTime.bound))
  }

  /// The event, if it had happened and was known at this time; nil otherwise.
  @inline(__always)
  public func known(_ event: Event) -> KnownEvent? {
    guard event.time <= seconds, event.knownAt <= seconds else { return nil }
    return KnownEvent(time: event.time, knownAt: event.knownAt)
  }
}

/// Proof that an event was known at a row's prediction time: made by ``PredictionTime/known(_:)``
/// alone. Accumulators of features take nothing else.
public struct KnownEvent: Sendable, Hashable {
  public let time: Int64
  public let knownAt: Int64

  fileprivate init(time: Int64, knownAt: Int64) {
    self.time = time
    self.knownAt = knownAt
  }
}
