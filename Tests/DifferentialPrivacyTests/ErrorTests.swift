import DifferentialPrivacy
import Testing

@Test func differentialPrivacyErrorsAreEqualByCodeAndNameTheirPlace() {
  let first = DifferentialPrivacyError(.outOfRange, "not a probability", field: "delta", index: 3)
  #expect(first == DifferentialPrivacyError(.outOfRange, "negative", field: "sigma"))
  #expect(first != DifferentialPrivacyError(.malformed, "not a probability", field: "delta"))
  #expect(first.description == "out-of-range: delta [3]: not a probability")
}
