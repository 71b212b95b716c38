/// One record about one patient: who, when, what, how much, in which unit, and since when it is
/// known. Texts are numbers of the ``Lexicon`` it came with.
public struct Event: Sendable, Hashable {
  /// Number of the subject.
  public var subject: Int32
  /// Number of the code.
  public var code: Int32
  /// Number of the unit; `Lexicon.none` when the source names none.
  public var unit: Int32
  /// Number of a value that is a text; `Lexicon.none` for any other value.
  public var text: Int32
  /// When it happened, ``RecordTime``.
  public var time: Int64
  /// When the hospital knew it; never before `time` for a real event.
  public var knownAt: Int64
  /// The numeric value in `unit`; not-a-number when there is none.
  public var value: Double

  public init(
    subject: Int32, code: Int32, time: Int64, knownAt: Int64? = nil, value: Double = .nan,
    unit: Int32 = Lexicon.none, text: Int32 = Lexicon.none
  ) {
    self.subject = subject
    self.code = code
    self.unit = unit
    self.text = text
    self.time = time
    self.knownAt = max(time, knownAt ?? time)
    self.value = value
  }
}

/// The texts behind the numbers of events.
public struct Lexicon: Sendable {
  /// Stands for "no text".
  public static let none: Int32 = -1

  public var subjects = Interner()
  public var codes = Interner()
  public var units = Interner()
  /// Values that are texts.
  public var texts = Interner()

  public init() {}
}

/// Events on their way from a reader to the builder, together with the lexicon that both share and
/// what the reader has to say about the source.
public struct EventBatch: Sendable {
  public var events: [Event] = []
  public var lexicon = Lexicon()
  public var report = ReadingReport()

  public init() {}
}
