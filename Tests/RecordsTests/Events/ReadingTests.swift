import Glibc
import PortableNumerics
import Records
import Testing

@Suite struct ReadingTests {
  @Test(arguments: [
    ("7", 7), (".7", 0.7), ("-1.5e-3", -0.0015), ("+12", 12), ("0.1", 0.1), ("1e22", 1e22),
    ("123456789012345678901", 123_456_789_012_345_683_968), ("0.000123", 0.000123),
    ("9007199254740993", 9_007_199_254_740_992), ("98.60", 98.6),
  ])
  func numbers(text: String, value: Double) {
    #expect(FieldText.number(text) == value)
  }

  @Test(arguments: ["", ".", "-", "1,5", "0x10", "inf", "nan", "1e", "1 2", "--1", "1e999", "<5"])
  func notNumbers(text: String) {
    #expect(FieldText.number(text) == nil)
  }

  @Test func decimalCommas() {
    func number(_ text: String) -> Double? {
      FieldText.withBytes(text) { FieldText.number($0, decimal: UInt8(ascii: ",")) }
    }
    #expect(number("80,5") == 80.5 && number("-0,25") == -0.25 && number("7") == 7)
    #expect(number("1,5e3") == 1500 && number("0,12345678901234567890") == 0.12345678901234567890)
    #expect(number("80.5") == nil && number("1,234,5") == nil)
    let hours = FieldText.withBytes("1,5") {
      TimeFormat.elapsed(unit: 3600).read($0, decimal: UInt8(ascii: ","))
    }
    #expect(hours?.seconds == 5400)
    for text in ["80,5", "-1,25"] { #expect(FieldText.isDecimalComma(text)) }
    for text in ["80.5", "1,", ",5", "--1,5", "1,2,3", "a,b", "1, 5", ""] {
      #expect(!FieldText.isDecimalComma(text), "\(text)")
    }
  }

  /// The quick way reads as the standard library does.
  @Test func numbersAsTheStandardLibrary() {
    var random = SplitMix64(seed: 5)
    for _ in 0..<2000 {
      let text = "\(Double(Int64(truncatingIfNeeded: random.next()) >> 20) / 1000)"
      #expect(FieldText.number(text) == Double(text), "seed 5: \(text)")
    }
  }

  /// Every decimal that is accepted is the double that strtod gives (C locale): short ones, long
  /// ones, ties between two doubles, exponents, leading zeros.
  @Test func numbersAsStrtod() {
    var random = SplitMix64(seed: 6)
    var accepted = 0
    func check(_ text: String) {
      guard let number = FieldText.number(text) else { return }
      accepted += 1
      let own = strtod(text, nil)
      #expect(number.bitPattern == own.bitPattern, "seed 6: \(text)")
    }
    for round in 0..<6000 {
      func digits(_ limit: UInt64) -> String {
        String(
          (0..<Int(random.next() % limit)).map { _ in
            Character(Unicode.Scalar(UInt8(48 + random.next() % 10)))
          })
      }
      let limit: UInt64 = round % 3 == 0 ? 4 : round % 3 == 1 ? 12 : 24
      var text = ["", "-", "+"][Int(random.next() % 3)] + digits(limit)
      if random.next() % 4 != 0 { text += "." + digits(limit) }
      if random.next() % 4 == 0 { text += "e\(Int(random.next() % 60) - 30)" }
      check(text)
    }
    for power in 50...60 {
      for offset in -3...3 { check("\((1 << power) + offset)") }
      for offset in -3...3 { check("0.\((1 << power) + offset)") }
    }
    #expect(accepted > 5000)
  }

  @Test func calendarTimes() {
    let format = TimeFormat.calendar(zone: 0)
    #expect(format.read("1970-01-01")?.seconds == 0)
    #expect(format.read("1970-01-01") == TimeFormat.Reading(seconds: 0, span: 86_399))
    #expect(format.read("1970-01-01")?.isLongerThanADay == false)
    #expect(format.read("1970-01-01T00:00")?.isDateOnly == false)
    #expect(format.read("2024-02-29 12:30")?.seconds == 1_709_209_800)
    #expect(format.read("2024-02-29T12:30:15.250Z")?.seconds == 1_709_209_815)
    #expect(format.read("2024-02-29T12:30:00+01:00")?.seconds == 1_709_206_200)
    #expect(format.read("2024-02-29T12:30:00-0430")?.seconds == 1_709_226_000)
    #expect(format.read("2024-02-29T12:30:00+01:00")?.hasZone == true)
    #expect(TimeFormat.calendar(zone: 3600).read("2024-02-29T12:30")?.seconds == 1_709_206_200)
    let wrong = [
      "2023-02-29", "2024-13-01", "2024-1-01", "24-01-01", "2024-01-01T25:00", "2024-01-01T1:00",
      "2024-01-01T10:00:00+1", "2024-01-01x", "2024-01-01T10:00:00+", "2024-01-01T10:00:00 ", "",
      "2024-01-01T24:59:60", "2024-01-01T24:01", "2024-01-01T24:00:01",
    ]
    for text in wrong { #expect(format.read(text) == nil, "\(text)") }
    #expect(format.read("2024-01-01T24:00:00") == format.read("2024-01-02T00:00"))
    #expect(format.read("2016-12-31T23:59:60") == format.read("2016-12-31T23:59:59"))
  }

  /// Midnight is the whole day, on the clock of the text or of the format's zone.
  @Test func midnights() {
    let summer = Zone(
      offset: 3600,
      transitions: [.init(moment: 1_711_846_800, offset: 7200)])
    func read(_ text: String, _ zone: Zone = 0) -> (TimeFormat.Reading, Bool)? {
      FieldText.withBytes(text) { TimeFormat.calendar(zone: zone).readUnlessMidnight($0) }
        .map { ($0.reading, $0.wasMidnight) }
    }
    let day = TimeFormat.calendar(zone: 0).read("2024-03-30")
    for text in ["2024-03-30 00:00:00", "2024-03-30T00:00", "2024-03-30 00:00:00.000000"] {
      let (reading, was) = read(text) ?? (TimeFormat.Reading(seconds: -1), false)
      #expect(reading == day && was, "\(text)")
    }
    for text in ["2024-03-30 00:00:01", "2024-03-30 00:01", "2024-03-30T00:00:10.5", "2024-03-30"] {
      let (reading, was) = read(text) ?? (TimeFormat.Reading(seconds: -1), true)
      #expect(reading == TimeFormat.calendar(zone: 0).read(text) && !was, "\(text)")
    }
    // The day on which summer begins has 23 hours; a database may write its midnight in UTC.
    for text in ["2024-03-31 00:00:00", "2024-03-30T23:00:00Z", "2024-03-31 00:00:00+01"] {
      let (reading, was) = read(text, summer) ?? (TimeFormat.Reading(seconds: -1), false)
      #expect(was && reading.seconds == 1_711_839_600 && reading.span == 82_799, "\(text)")
    }
    let other = read("2024-06-01 00:00:00+00", summer)
    #expect(other?.1 == true && other?.0.span == 86_399 && other?.0.seconds == 1_717_200_000)
    #expect(read("2024-06-01 10:00:00+00", summer)?.1 == false)
    #expect(read("2024-06-01 00:61:00") == nil)
  }

  /// A year, a month and a day from their first to their last second, and from their middle.
  @Test func periods() {
    let format = TimeFormat.calendar(zone: 3600)
    func ends(_ year: Int, _ month: Int? = nil, _ day: Int? = nil) -> [String] {
      guard let period = format.period(year: year, month: month, day: day) else { return [] }
      #expect(period.centred.seconds - Int64(period.centred.span) == period.seconds)
      #expect(period.centred.latest - period.latest == 1)
      return [period.seconds, period.latest].map { RecordTime.text($0 + 3600) }
    }
    #expect(ends(2024) == ["2024-01-01T00:00:00", "2024-12-31T23:59:59"])
    #expect(ends(2024, 2) == ["2024-02-01T00:00:00", "2024-02-29T23:59:59"])
    #expect(ends(2023, 12) == ["2023-12-01T00:00:00", "2023-12-31T23:59:59"])
    #expect(ends(2023, 12, 30) == ["2023-12-30T00:00:00", "2023-12-30T23:59:59"])
    #expect(ends(2023, 2, 30) == ends(2023, 2), "there is no such day")
    #expect(ends(2023, 13, 1) == ends(2023), "there is no such month")
    #expect(ends(0).isEmpty && ends(10_000).isEmpty)
    #expect(TimeFormat.clock.period(year: 2024) == nil)
  }

  @Test func elapsedTimes() {
    #expect(TimeFormat.clock.read("47:59")?.seconds == 172_740)
    #expect(TimeFormat.clock.read("00:07:30")?.seconds == 450)
    #expect(TimeFormat.clock.read("7") == nil)
    #expect(TimeFormat.clock.read("1:60") == nil)
    #expect(TimeFormat.elapsed(unit: 3600).read("1.5")?.seconds == 5400)
    #expect(TimeFormat.elapsed(unit: 86_400).read("1e300") == nil)
  }

  /// Text and time are each other's inverse on every day of 400 years.
  @Test func timesAsText() {
    let format = TimeFormat.calendar(zone: 0)
    for number in stride(from: -80_000, to: 80_000, by: 7) {
      let seconds = Int64(number) * day + 3661
      #expect(format.read(RecordTime.text(seconds))?.seconds == seconds)
    }
    #expect(RecordTime.text(RecordTime.always) == "")
    #expect(RecordTime.text(0) == "1970-01-01T00:00:00")
  }

  @Test func internerKeepsOrderAndText() {
    var interner = Interner()
    let texts = (0..<5000).map { "patient \($0 * 7919 % 5000)" } + ["", "ä", "ä", "\u{0}"]
    var expected: [String: Int32] = [:]
    for text in texts {
      let index = interner.index(text)
      if let known = expected[text] {
        #expect(index == known)
      } else {
        #expect(index == Int32(expected.count))
        expected[text] = index
      }
    }
    for (text, index) in expected {
      #expect(interner.text(index) == text)
      #expect(interner.existing(text) == index)
    }
    #expect(interner.existing("nobody") == nil)
    #expect(interner.text(-1) == "")
    #expect(interner.text(99_999) == "")
  }

  @Test func randomBytesNeverTrap() {
    var random = SplitMix64(seed: 11)
    for _ in 0..<3000 {
      let bytes = (0..<Int(random.next() % 24)).map { _ -> UInt8 in
        let pool = Array("0123456789-+:.TZ eE".utf8)
        return random.next() % 9 == 0
          ? UInt8(truncatingIfNeeded: random.next()) : pool[Int(random.next() % 19)]
      }
      bytes.withUnsafeBufferPointer { field in
        _ = FieldText.number(field)
        for format in [TimeFormat.calendar(zone: 0), .clock, .elapsed(unit: 60)] {
          if let reading = format.read(field) {
            #expect(abs(reading.seconds) <= RecordTime.bound, "seed 11")
          }
        }
      }
    }
  }
}
