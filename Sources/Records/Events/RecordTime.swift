/// Points in time as whole seconds: since 1970-01-01 00:00:00 for calendar times, since the
/// source's own start (an admission, a first record) for elapsed times. One source uses one kind.
public enum RecordTime {
  /// "Known from the start": for facts without a date that the site's mapping declares to be known
  /// always, as sex. Earlier than every real time.
  public static let always = Int64.min
  /// Later than every real time.
  public static let never = Int64.max
  /// Real times lie within ±10^14 seconds (about three million years), so that differences and
  /// windows of real times cannot overflow.
  public static let bound: Int64 = 100_000_000_000_000

  public static let minute: Int64 = 60
  public static let hour: Int64 = 3600
  public static let day: Int64 = 86_400
  /// The mean Gregorian year, in seconds.
  public static let year = 365.2425 * 86_400

  /// Days from 1970-01-01 to a date of the proleptic Gregorian calendar (Hinnant, chrono-compatible
  /// low-level date algorithms, `days_from_civil`).
  public static func days(year: Int, month: Int, day: Int) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return Int64(era * 146_097 + dayOfEra - 719_468)
  }

  /// `YYYY-MM-DDTHH:MM:SS` of a calendar time; the empty text for `always` and `never`.
  public static func text(_ seconds: Int64) -> String {
    guard abs(clamping(seconds)) < bound else { return "" }
    let dayNumber = seconds >= 0 ? seconds / day : (seconds - day + 1) / day
    let rest = Int(seconds - dayNumber * day)
    let shifted = dayNumber + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthPart = (5 * dayOfYear + 2) / 153
    let dayOfMonth = dayOfYear - (153 * monthPart + 2) / 5 + 1
    let month = monthPart < 10 ? monthPart + 3 : monthPart - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let yearText = String(year)
    let padded = String(repeating: "0", count: max(0, 4 - yearText.count)) + yearText
    return "\(padded)-\(two(Int(month)))-\(two(Int(dayOfMonth)))T"
      + "\(two(rest / 3600)):\(two(rest / 60 % 60)):\(two(rest % 60))"
  }

  /// A time brought into the range of real times; `always` and `never` are kept at its ends.
  @inlinable
  public static func clamping(_ seconds: Int64) -> Int64 {
    min(max(seconds, -bound), bound)
  }
}

/// How one source writes times.
public enum TimeFormat: Sendable, Hashable {
  /// ISO 8601: `2024-01-31`, `2024-01-31 08:15`, `2024-01-31T08:15:00.5+01:00`. A time without a
  /// zone is read in `zone`; a time with one is converted to UTC.
  case calendar(zone: Zone)
  /// A number of units since the source's own start, each unit so many seconds.
  case elapsed(unit: Double)
  /// `HH:MM` or `HH:MM:SS` since the source's own start; the hours may pass 24.
  case clock

  /// One time as read.
  public struct Reading: Sendable, Hashable {
    /// See ``RecordTime``.
    public var seconds: Int64
    /// The text named its zone.
    public var hasZone: Bool
    /// How many seconds later it may have been: 0 with a time of day, 86 399 for a date alone, whose
    /// midnight is `seconds`; see ``Event/span``.
    public var span: Int32

    public init(seconds: Int64, span: Int32 = 0, hasZone: Bool = false) {
      self.seconds = seconds
      self.hasZone = hasZone
      self.span = span
    }

    /// The text gave a month or a year, not a date.
    public var isLongerThanADay: Bool { span > 2 * RecordTime.day }
    /// The text gave no time of day.
    public var isDateOnly: Bool { span > 0 }
    /// The last second it can mean.
    public var latest: Int64 { seconds + Int64(span) }
    /// The same stretch of time told from its middle, as births are; see ``Event/span``.
    public var centred: Self {
      let half = (Int64(span) + 1) / 2
      return Self(seconds: seconds + half, span: Int32(clamping: half), hasZone: hasZone)
    }
  }

  /// The time that a field holds; nil when it is none. `decimal` is the point of elapsed times.
  public func read(
    _ field: UnsafeBufferPointer<UInt8>, decimal: UInt8 = UInt8(ascii: ".")
  ) -> Reading? {
    switch self {
    case .calendar(let zone): return Self.calendarTime(field, zone: zone)
    case .clock:
      guard let seconds = Self.clockTime(field) else { return nil }
      return Reading(seconds: seconds)
    case .elapsed(let unit):
      guard let value = FieldText.number(field, decimal: decimal) else { return nil }
      let product = value * unit
      // Most times are whole already, and below 2^53 a conversion shows that sooner than rounding.
      if abs(product) < Double(RecordTime.bound), Double(Int64(product)) == product {
        return Reading(seconds: Int64(product))
      }
      let seconds = product.rounded()
      guard abs(seconds) < Double(RecordTime.bound) else { return nil }
      return Reading(seconds: Int64(seconds))
    }
  }

  /// `read`, but for a calendar's text that says exactly midnight, which is the whole day: what a
  /// database keeps where only the date is known. A time with a zone is also midnight where it is in
  /// the format's own zone, since databases write times in a zone of theirs. Second, whether it was so.
  public func readUnlessMidnight(
    _ field: UnsafeBufferPointer<UInt8>
  ) -> (reading: Reading, wasMidnight: Bool)? {
    guard let reading = read(field) else { return nil }
    guard case .calendar(let zone) = self, !reading.isDateOnly else { return (reading, false) }
    if reading.hasZone {
      let local = reading.seconds + zone.offset + RecordTime.day / 2
      let midnight = Int64((Double(local) / Double(RecordTime.day)).rounded(.down)) * RecordTime.day
      if zone.moment(of: midnight) == reading.seconds {
        var day = Self.stretch(from: midnight, to: midnight + RecordTime.day, zone)
        day.hasZone = true
        return (day, true)
      }
    }
    guard Self.isMidnight(field) else { return (reading, false) }
    guard reading.hasZone else {
      return read(UnsafeBufferPointer(rebasing: field[..<10])).map { ($0, true) }
    }
    let span = Int32(RecordTime.day - 1)
    return (Reading(seconds: reading.seconds, span: span, hasZone: true), true)
  }

  /// Whether the clock of an ISO 8601 text, up to its zone, has nothing but zeros.
  private static func isMidnight(_ field: UnsafeBufferPointer<UInt8>) -> Bool {
    guard field.count > 11 else { return false }
    for byte in field[11...] {
      switch byte {
      case UInt8(ascii: "0"), UInt8(ascii: ":"), UInt8(ascii: "."): continue
      case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "Z"), UInt8(ascii: "z"), 32:
        return true
      default: return false
      }
    }
    return true
  }

  /// `read` of a text.
  public func read(_ text: String) -> Reading? {
    FieldText.withBytes(text) { read($0) }
  }

  /// The stretch of time that a year, a year and month or a whole date names; a day that the month
  /// does not have, or a month that there is not, leaves the longer stretch. Nil for a year outside
  /// 1...9999 and for a format without a calendar.
  public func period(year: Int, month: Int? = nil, day: Int? = nil) -> Reading? {
    guard case .calendar(let zone) = self, (1...9999).contains(year) else { return nil }
    let month = month.flatMap { (1...12).contains($0) ? $0 : nil }
    let day = month.flatMap { month in
      day.flatMap { (1...Self.monthLength(year, month)).contains($0) ? $0 : nil }
    }
    let start = RecordTime.days(year: year, month: month ?? 1, day: day ?? 1)
    let end =
      if day != nil {
        start + 1
      } else if let month, month < 12 {
        RecordTime.days(year: year, month: month + 1, day: 1)
      } else {
        month == nil
          ? RecordTime.days(year: year + 1, month: 1, day: 1)
          : start + Int64(Self.monthLength(year, 12))
      }
    return Self.stretch(from: start * RecordTime.day, to: end * RecordTime.day, zone)
  }

  /// Digits from `position` on: their value and how many there are, at most `limit`.
  private static func digits(
    _ field: UnsafeBufferPointer<UInt8>, _ position: Int, limit: Int
  ) -> (value: Int, count: Int) {
    var value = 0
    var count = 0
    while count < limit, position + count < field.count {
      let byte = field[position + count]
      guard byte >= 48, byte <= 57 else { break }
      value = value * 10 + Int(byte - 48)
      count += 1
    }
    return (value, count)
  }

  private static func clockTime(_ field: UnsafeBufferPointer<UInt8>) -> Int64? {
    let hours = digits(field, 0, limit: 6)
    guard hours.count >= 1, hours.count < field.count,
      field[hours.count] == UInt8(ascii: ":")
    else { return nil }
    let minutes = digits(field, hours.count + 1, limit: 2)
    guard minutes.count == 2, minutes.value < 60 else { return nil }
    var seconds = hours.value * 3600 + minutes.value * 60
    let position = hours.count + 3
    if position < field.count {
      let rest = digits(field, position + 1, limit: 2)
      guard field[position] == UInt8(ascii: ":"), rest.count == 2, rest.value < 60,
        position + 3 == field.count
      else { return nil }
      seconds += rest.value
    }
    return Int64(seconds)
  }

  /// From one local time to the last second before another; a day on which the clocks are set is
  /// shorter or longer.
  private static func stretch(from start: Int64, to end: Int64, _ zone: Zone) -> Reading {
    let first = zone.moment(of: start)
    return Reading(seconds: first, span: Int32(clamping: zone.moment(of: end) - first - 1))
  }

  private static func calendarTime(
    _ field: UnsafeBufferPointer<UInt8>, zone: Zone
  ) -> Reading? {
    guard field.count >= 10, field.count <= 40, field[4] == UInt8(ascii: "-"),
      field[7] == UInt8(ascii: "-")
    else { return nil }
    let year = digits(field, 0, limit: 4)
    let month = digits(field, 5, limit: 2)
    let day = digits(field, 8, limit: 2)
    guard year.count == 4, month.count == 2, day.count == 2, (1...12).contains(month.value),
      day.value >= 1, day.value <= monthLength(year.value, month.value)
    else { return nil }
    var seconds =
      RecordTime.days(year: year.value, month: month.value, day: day.value) * RecordTime.day
    if field.count == 10 {
      return stretch(from: seconds, to: seconds + RecordTime.day, zone)
    }
    guard field[10] == UInt8(ascii: "T") || field[10] == 32 else { return nil }
    let hour = digits(field, 11, limit: 2)
    let minute = digits(field, 14, limit: 2)
    guard hour.count == 2, minute.count == 2, field.count >= 16, field[13] == UInt8(ascii: ":"),
      hour.value <= 24, minute.value < (hour.value == 24 ? 1 : 60)
    else { return nil }
    seconds += Int64(hour.value * 3600 + minute.value * 60)
    var position = 16
    if position < field.count, field[position] == UInt8(ascii: ":") {
      let second = digits(field, position + 1, limit: 2)
      guard second.count == 2, second.value <= (hour.value == 24 ? 0 : 60) else { return nil }
      seconds += Int64(min(second.value, 59))
      position += 3
      if position < field.count, field[position] == UInt8(ascii: ".") {
        let fraction = digits(field, position + 1, limit: 9)
        guard fraction.count > 0 else { return nil }
        position += 1 + fraction.count
      }
    }
    guard position < field.count else {
      return Reading(seconds: zone.moment(of: seconds))
    }
    guard let offset = zoneOffset(field, position) else { return nil }
    return Reading(seconds: seconds - offset, hasZone: true)
  }

  /// `Z`, `+HH:MM`, `-HHMM` or `+HH` at the end of a field, in seconds east of UTC.
  private static func zoneOffset(_ field: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int64? {
    var position = start
    if field[position] == 32 { position += 1 }
    guard position < field.count else { return nil }
    let sign = field[position]
    if sign == UInt8(ascii: "Z") || sign == UInt8(ascii: "z") {
      return position + 1 == field.count ? 0 : nil
    }
    guard sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") else { return nil }
    let hours = digits(field, position + 1, limit: 2)
    guard hours.count == 2, hours.value <= 18 else { return nil }
    position += 3
    var minutes = 0
    if position < field.count {
      if field[position] == UInt8(ascii: ":") { position += 1 }
      let part = digits(field, position, limit: 2)
      guard part.count == 2, part.value < 60 else { return nil }
      minutes = part.value
      position += 2
    }
    guard position == field.count else { return nil }
    let offset = Int64(hours.value * 3600 + minutes * 60)
    return sign == UInt8(ascii: "-") ? -offset : offset
  }

  private static func monthLength(_ year: Int, _ month: Int) -> Int {
    switch month {
    case 4, 6, 9, 11: return 30
    case 2: return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    default: return 31
    }
  }
}
