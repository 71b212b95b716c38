import Records

/// How far a reading of records is.
public struct ReadingProgress: Sendable, Hashable {
  /// From 1.
  public var pass: Int
  public var passCount: Int
  /// Records of this pass so far.
  public var recordCount: Int
  /// Bytes of the files read in this pass so far, as they lie on the disk, and all of them; nil where the
  /// source is no file.
  public var byteCount: Int
  public var byteTotal: Int?

  public init(
    pass: Int, passCount: Int, recordCount: Int, byteCount: Int = 0, byteTotal: Int? = nil
  ) {
    self.pass = pass
    self.passCount = passCount
    self.recordCount = recordCount
    self.byteCount = byteCount
    self.byteTotal = byteTotal
  }

  init(_ pass: Int, of passCount: Int, _ recordCount: Int, _ batch: EventBatch, byteTotal: Int?) {
    self.init(
      pass: pass, passCount: passCount, recordCount: recordCount, byteCount: batch.byteCount,
      byteTotal: byteTotal)
  }

  /// The part of the whole reading that is done, 0 to 1, as if all passes were of equal length; nil where
  /// the size is not known.
  public var fraction: Double? {
    guard let byteTotal, byteTotal > 0, passCount > 0 else { return nil }
    let part = min(max(Double(byteCount) / Double(byteTotal), 0), 1)
    return min((Double(pass - 1) + part) / Double(passCount), 1)
  }
}

/// Puts the progress of a reading into words: part done, records, records per second of the pass that runs,
/// time left. Holds no clock: who asks says how many seconds have passed.
public struct ReadingRate: Sendable {
  private var pass = 0
  private var passStart = 0.0

  public init() {}

  /// The line for a moment, `seconds` after the reading began.
  public mutating func line(_ progress: ReadingProgress, seconds: Double) -> String {
    if progress.pass != pass {
      pass = progress.pass
      // The first report of a pass comes a little after its beginning.
      passStart = progress.pass == 1 ? 0 : seconds
    }
    var parts: [String] = []
    if let fraction = progress.fraction { parts.append("\(Int(fraction * 100)) %") }
    if progress.passCount > 1 { parts.append("pass \(progress.pass) of \(progress.passCount)") }
    parts.append("\(Self.grouped(progress.recordCount)) records")
    let elapsed = seconds - passStart
    if elapsed >= 0.2 {
      parts.append("\(Self.grouped(Int(Double(progress.recordCount) / elapsed))) per second")
    }
    if let fraction = progress.fraction, fraction >= 0.02, fraction < 1, seconds >= 1 {
      parts.append("\(Self.duration(seconds * (1 - fraction) / fraction)) left")
    }
    return parts.joined(separator: ", ")
  }

  /// A count with spaces between thousands.
  static func grouped(_ count: Int) -> String {
    let digits = Array(String(count))
    var text = ""
    for (place, digit) in digits.enumerated() {
      if place > 0, (digits.count - place) % 3 == 0 { text += " " }
      text.append(digit)
    }
    return text
  }

  /// Seconds, rounded up, as `45 s`, `12 min`, `3 h 20 min`.
  static func duration(_ seconds: Double) -> String {
    let whole = Int(min(max(seconds, 0), 1e9).rounded(.up))
    if whole < 100 { return "\(whole) s" }
    let minutes = (whole + 59) / 60
    return minutes < 100 ? "\(minutes) min" : "\(minutes / 60) h \(minutes % 60) min"
  }
}
