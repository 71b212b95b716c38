import Testing

@testable import Cohort

@Suite struct CellTextTests {
  @Test(arguments: [
    (" 1.0", "1"), ("+1", "1"), ("01", "1"), ("-0", "0"), ("0.000", "0"), ("-3.0", "-3"),
    ("1.50", "1.50"), (".7", ".7"), ("a ", "a"), ("", ""), ("  ", ""), ("1e3", "1e3"),
    ("-", "-"), (".", "."), ("1234567890123456", "1234567890123456"), ("\tÄ x\r", "Ä x"),
  ])
  func canonical(text: String, expected: String) {
    #expect(CellText.canonical(text) == expected)
    #expect(CellText.canonical(CellText.canonical(text)) == CellText.canonical(text))
  }

  @Test(arguments: [
    ("7", 7.0), (".7", 0.7), ("-1.5e-3", -0.0015), ("1E2", 100.0),
  ])
  func numbers(text: String, expected: Double) {
    #expect(CellText.number(text) == expected)
  }

  @Test(arguments: ["0x1p3", "inf", "nan", "1,5", "1 2", "1e999", "", "--1", "12mg", "1_000"])
  func notNumbers(text: String) {
    #expect(CellText.number(text) == nil)
  }

  @Test func datesAreOrderedInTime() {
    #expect(CellText.order("2024-02-01", "2024-10-01") == -1)
    #expect(CellText.order("2024-02-01T10:00", "2024-02-01 09:00") == 1)
    #expect(CellText.order("2024-13-01", "2024-10-01") == nil)
    #expect(CellText.order("10", "9") == 1)
    #expect(CellText.order("a", "b") == nil)
  }

  @Test func flagsInManyWords() {
    #expect(CellText.flag("1") == 1 && CellText.flag("No") == 0 && CellText.flag("TRUE") == 1)
    #expect(CellText.flag("2") == nil && CellText.flag("perhaps") == nil)
  }
}
