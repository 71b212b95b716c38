import Testing

@testable import Cohort

@Suite struct HoldoutTests {
  @Test func theShareIsTheFraction() {
    let assignment = HoldoutAssignment(fraction: 0.3, key: "k")
    let held = (0..<20_000).count { assignment.isHeldOut("patient \($0)") }
    // 5 standard errors, √(0.3·0.7·20000) = 64.8: a false alarm once in 1.7 million keys.
    #expect(abs(held - 6000) < 324)
  }

  @Test func keyAndFractionDecideAlone() {
    let one = HoldoutAssignment(fraction: 0.3, key: "k")
    let same = HoldoutAssignment(fraction: 0.3, key: "k")
    let other = HoldoutAssignment(fraction: 0.3, key: "l")
    let wider = HoldoutAssignment(fraction: 0.5, key: "k")
    let ids = (0..<500).map { "p\($0)" }
    #expect(ids.map(one.isHeldOut) == ids.map(same.isHeldOut))
    #expect(ids.map(one.isHeldOut) != ids.map(other.isHeldOut))
    #expect(ids.allSatisfy { !one.isHeldOut($0) || wider.isHeldOut($0) })
    let none = HoldoutAssignment(fraction: 0, key: "k")
    let all = HoldoutAssignment(fraction: 1, key: "k")
    #expect(ids.allSatisfy { !none.isHeldOut($0) && all.isHeldOut($0) })
  }

  /// Computed with Python's hashlib: blake2b(digest_size=32, key=…, person=b"wr-holdout").
  @Test func aKnownAnswerKeepsTheRuleFixed() {
    let assignment = HoldoutAssignment(fraction: 0.5, key: "wardround")
    let sides = (1...16).map { assignment.isHeldOut("\($0)") ? "1" : "0" }.joined()
    #expect(sides == "0101100111110010")
  }

  @Test func noPatientIsOnBothSides() throws {
    let rows = randomRows(600, seed: 5)
    for rule in [
      HoldoutRule.hash(fraction: 0.4, key: "k"), .time(column: "admitted", from: "2024-06-01"),
      .column(name: "ward", holdoutValue: "surgery"),
    ] {
      let table = try build(wardSpecification(rows: .all, holdout: rule), rows)
      var sides: [Int32: Set<Bool>] = [:]
      for row in 0..<table.rowCount {
        sides[table.patients[row], default: []].insert(table.isHoldout[row])
      }
      #expect(sides.values.allSatisfy { $0.count == 1 }, "seed 5, \(rule)")
      #expect(Set(table.isHoldout) == [true, false])
    }
  }

  @Test func theSideDoesNotDependOnSiteOrOrder() throws {
    let rows = randomRows(300, seed: 6)
    func sides(_ rows: [[String]]) throws -> [String: Bool] {
      let table = try build(wardSpecification(rows: .all), rows)
      var found: [String: Bool] = [:]
      for row in 0..<table.rowCount {
        found[rows[table.sourceRows[row] - 1][0]] = table.isHoldout[row]
      }
      return found
    }
    let whole = try sides(rows)
    let parts = try [Array(rows[..<100]), Array(rows[100...].reversed())].map(sides)
    for part in parts {
      for (patient, side) in part { #expect(whole[patient] == side) }
    }
  }

  @Test func withoutIdentifiersEqualRowsFallOnOneSide() throws {
    let rows = randomRows(100, seed: 7)
    let table = try build(wardSpecification(patientColumn: nil, order: nil), rows + rows)
    #expect(Array(table.isHoldout[..<100]) == Array(table.isHoldout[100...]))
    #expect(Set(table.isHoldout).count == 2)
  }
}
