/// The moment from which a row looks back. The only way to a ``KnownEvent``, and so the only way
/// into a feature.
///
/// What happened and became known at the very second of the prediction is known then: the summary of a
/// first day at 24 hours, the values of an admission at the admission.
public struct PredictionTime: Sendable, Hashable {
  /// The index event's time.
  public let index: Int64
  /// When the prediction is made; never before `index`.
  public let seconds: Int64
  /// How exactly the source says when the index event was, as ``Event/span``.
  public let span: Int32
  /// The stay that the index event begins or ends, as ``Event/encounter``; ``PredictionTime/several``
  /// when several end at this one time.
  public let encounter: Int32

  /// Stands for more than one stay: any stay differs from one of them.
  public static let several = Int32.min

  public init(index: Int64, offset: Int64, span: Int32 = 0, encounter: Int32 = 0) {
    self.index = RecordTime.clamping(index)
    self.span = max(0, span)
    self.encounter = encounter
    seconds = self.index + max(0, min(offset, RecordTime.bound))
  }

  /// The event, if it had happened and was known at this time; nil otherwise.
  @inline(__always)
  public func known(_ event: Event) -> KnownEvent? {
    guard event.time <= seconds, event.knownAt <= seconds else { return nil }
    return KnownEvent(time: event.time, knownAt: event.knownAt)
  }

  /// The patient's birth, if it can have happened by this time: who sees the patient knows it,
  /// whenever it was recorded. Where only its year or month is known and this time lies in it, it
  /// counts as at this time, so that the age is 0.
  @inline(__always)
  public func knownBirth(_ event: Event) -> KnownEvent? {
    if event.time == RecordTime.always { return known(event) }
    guard RecordTime.clamping(event.time) - Int64(event.span) <= seconds else { return nil }
    let time = min(event.time, seconds)
    return KnownEvent(time: time, knownAt: time)
  }
}

/// Proof that an event was known at a row's prediction time: made by ``PredictionTime/known(_:)`` and
/// ``PredictionTime/knownBirth(_:)`` alone. Accumulators of features take nothing else.
public struct KnownEvent: Sendable, Hashable {
  public let time: Int64
  public let knownAt: Int64

  fileprivate init(time: Int64, knownAt: Int64) {
    self.time = time
    self.knownAt = knownAt
  }
}
