/// One record about one patient: who, when, what, how much, in which unit, and since when it is
/// known. Texts are numbers of the ``Lexicon`` it came with.
public struct Event: Sendable, Hashable {
  /// Number of the subject.
  public var subject: Int32
  /// Number of the code.
  public var code: Int32
  /// Number of the unit; `Lexicon.none` when the source names none.
  public var unit: Int32
  /// Number of a value that is a text, below `Lexicon.none` for one that nobody reads;
  /// `Lexicon.none` for any other value.
  public var text: Int32
  /// How exactly the source says when: it happened within so many seconds after `time`. 0 when the
  /// source gives a time of day, 86 399 for a date alone. A birth of which only the year or month is
  /// known has the middle of it as its `time` and half its length here, and so lies within as many
  /// seconds before `time` too.
  public var span: Int32
  /// The stay or visit that this record begins, above 0, or ends, its negative; 0 for any other record,
  /// or when the source does not name stays. See ``Event/encounterNumber(_:)``.
  public var encounter: Int32 = 0
  /// The same record as the event before it in its batch, under another of the record's codes. A variable
  /// to which several codes of one record belong takes the record once; see ``RecordMarks``.
  public var repeatsRecord = false
  /// When it happened, ``RecordTime``; the earliest moment that the source allows.
  public var time: Int64
  /// When the hospital knew it; never before `time`. Where the source names no such time it is
  /// ``latest``, and ``RecordTime/never`` where it should name one and does not: then the record is
  /// in no feature, while as an outcome it counts by its `time`.
  public var knownAt: Int64
  /// The numeric value in `unit`; not-a-number when there is none.
  public var value: Double

  /// A missing `knownAt` is ``latest``; one before `time` becomes `time`.
  public init(
    subject: Int32, code: Int32, time: Int64, span: Int32 = 0, knownAt: Int64? = nil,
    value: Double = .nan, unit: Int32 = Lexicon.none, text: Int32 = Lexicon.none
  ) {
    self.subject = subject
    self.code = code
    self.unit = unit
    self.text = text
    self.span = max(0, span)
    self.time = time
    self.knownAt = time
    self.value = value
    self.knownAt = max(time, knownAt ?? latest)
  }

  /// A number for the identifier of a stay or visit, from 1: 31 bits of FNV-1a (RFC 9923). Compared within one
  /// patient only, where two stays have one number by chance once in 2³¹ pairs.
  public static func encounterNumber(_ identifier: String) -> Int32 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in identifier.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return max(1, Int32(truncatingIfNeeded: (hash ^ (hash >> 32)) & 0x7FFF_FFFF))
  }

  /// The latest moment at which it can have happened.
  @inlinable
  public var latest: Int64 {
    let (sum, isBeyond) = time.addingReportingOverflow(Int64(span))
    return isBeyond ? RecordTime.never : sum
  }

  /// Whether nobody can say when it became known: ``RecordTime/never``.
  @inlinable
  public var isNeverKnown: Bool { knownAt == RecordTime.never }
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
  /// Whose words are kept among `texts`; nil keeps all.
  public var words: WordNeed?
  /// Codes of a source's own diagnoses, with the number of records of which nobody says when they were
  /// coded, so that they count as known when they happened.
  public var assumedDiagnoses: [Int32: Int] = [:]

  public init() {}
}

/// Events on their way from a reader to the builder, together with the lexicon that both share and
/// what the reader has to say about the source.
public struct EventBatch: Sendable {
  public var events: [Event] = []
  public var lexicon = Lexicon()
  public var report = ReadingReport()
  /// Bytes of the source's files read so far, as they lie on the disk; 0 where it is no file.
  public var byteCount = 0

  public init() {}
}
