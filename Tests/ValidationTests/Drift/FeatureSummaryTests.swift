import CanonicalBytes
import Testing

@testable import Validation

@Suite struct FeatureSummaryTests {
  @Test func countsOnCommonCuts() throws {
    let summary = try FeatureSummary.numeric(
      feature: "age", values: [0, 1, 1.5, 2, 3, .nan, 2.5], cuts: [1, 2], minimumCell: 1)
    #expect(summary.counts == [1, 2, 3])
    #expect(summary.missingCount == 1)
    #expect(summary.patientCount == 7)
    #expect(summary.quartiles?.median == 1.75)
    #expect(close(summary.missingShare, 1.0 / 7))
  }

  @Test func countsPerLevel() throws {
    let summary = try FeatureSummary.categorical(
      feature: "sex", codes: [0, 1, 1, nil, 7, -2], levels: ["f", "m"], minimumCell: 1)
    #expect(summary.counts == [1, 2, 2])
    #expect(summary.missingCount == 1)
    #expect(summary.quartiles == nil)
  }

  @Test func smallBinsMoveIntoTheNearestFilledOne() throws {
    func counts(_ raw: [Int], missing: Int = 0) -> SmallCells {
      SmallCells(counts: raw, missingCount: missing, isOrdered: true, minimum: 5)
    }
    #expect(counts([10, 2, 0, 20]).counts == [12, 0, 0, 20])
    #expect(counts([10, 2, 20]).counts == [10, 0, 22])
    #expect(counts([10, 2, 10]).counts == [12, 0, 10])
    #expect(counts([1, 1, 1, 1, 1]).counts.reduce(0, +) == 5)
    #expect(counts([0, 0, 9], missing: 3).counts == [0, 0, 12])
    #expect(counts([1, 1], missing: 40).counts == [0, 0])
    #expect(counts([1, 1], missing: 40).missingCount == 42)
    #expect(counts([1, 1]).isSuppressed)
    #expect(!counts([0, 0]).isSuppressed)
    let levels = SmallCells(
      counts: [10, 2, 6, 0], missingCount: 0, isOrdered: false, minimum: 5)
    #expect(levels.counts == [10, 0, 0, 8])
  }

  /// Rows of patients who have many: every cell that is left holds enough patients.
  @Test(arguments: [71, 72, 73] as [UInt64])
  func cellsHoldEnoughPatientsWhateverTheirRows(seed: UInt64) throws {
    var uniform = SeededUniform(seed: seed)
    for _ in 0..<100 {
      let rowCount = 1 + uniform.integer(below: 200)
      let patients = (0..<rowCount).map { _ in Int32(uniform.integer(below: 25)) }
      let values = (0..<rowCount).map { _ in
        uniform.integer(below: 9) == 0 ? .nan : Double(uniform.integer(below: 5))
      }
      let cuts = [0.5, 1.5, 2.5, 3.5]
      let summary = try FeatureSummary.numeric(
        feature: "x", values: values, patients: patients, cuts: cuts, minimumCell: 7)
      // The bins that were emptied into a filled one cannot be told from it: whose its rows are is
      // at least whose the rows of its own bin are.
      let filled = summary.counts.indices.filter { summary.counts[$0] > 0 }
      let all = Set(zip(patients, values).filter { !$0.1.isNaN }.map(\.0)).count
      #expect(filled.isEmpty == (summary.isSuppressed || all < 7), "seed \(seed)")
      let lacking = Set(zip(patients, values).filter { $0.1.isNaN }.map(\.0)).count
      if summary.missingCount > 0, !filled.isEmpty { #expect(lacking >= 7, "seed \(seed)") }
      if filled.count == cuts.count + 1, summary.mergedCellCount == 0 {
        for bin in filled {
          let own = zip(patients, values).filter { !$0.1.isNaN && Int($0.1) == bin }.map(\.0)
          #expect(Set(own).count >= 7, "seed \(seed)")
        }
      }
      // One patient with all rows is nobody to be shown.
      let alone = try FeatureSummary.numeric(
        feature: "x", values: values, patients: values.map { _ in 3 }, cuts: cuts, minimumCell: 7)
      #expect(alone.isSuppressed && alone.counts.allSatisfy { $0 == 0 })
      // Patients of one row each are as without the argument.
      #expect(
        try FeatureSummary.numeric(
          feature: "x", values: values, patients: values.indices.map { Int32($0) }, cuts: cuts,
          minimumCell: 7)
          == FeatureSummary.numeric(feature: "x", values: values, cuts: cuts, minimumCell: 7))
    }
  }

  @Test(arguments: [61, 62, 63, 64, 65, 66] as [UInt64])
  func noSmallCellIsEverReleased(seed: UInt64) {
    var uniform = SeededUniform(seed: seed)
    for _ in 0..<200 {
      let raw = (0..<6).map { _ in uniform.integer(below: 12) }
      let missing = uniform.integer(below: 12)
      for isOrdered in [true, false] {
        let cells = SmallCells(
          counts: raw, missingCount: missing, isOrdered: isOrdered, minimum: 7)
        let all = cells.counts + [cells.missingCount]
        #expect(all.allSatisfy { $0 == 0 || $0 >= 7 }, "seed \(seed): \(raw) \(missing)")
        let total = raw.reduce(0, +) + missing
        #expect(
          cells.isSuppressed || all.reduce(0, +) == total, "seed \(seed): \(raw) \(missing)")
      }
    }
  }

  @Test func degenerateInputs() throws {
    let empty = try FeatureSummary.numeric(
      feature: "x", values: [], cuts: [1, 2], minimumCell: 10)
    #expect(empty.patientCount == 0 && empty.missingShare == nil && !empty.isSuppressed)
    let missing = try FeatureSummary.numeric(
      feature: "x", values: [Double](repeating: .nan, count: 20), cuts: [], minimumCell: 10)
    #expect(missing.missingShare == 1 && missing.quartiles == nil)
    #expect(throws: ValidationError(.outOfRange, "", field: "")) {
      try FeatureSummary.numeric(feature: "x", values: [.infinity], cuts: [], minimumCell: 1)
    }
    #expect(throws: ValidationError(.outOfRange, "", field: "")) {
      try FeatureSummary.numeric(feature: "x", values: [1], cuts: [2, 2], minimumCell: 1)
    }
    #expect(throws: ValidationError(.outOfRange, "", field: "")) {
      try FeatureSummary.numeric(feature: "x", values: [1], cuts: [.nan], minimumCell: 1)
    }
  }

  @Test func roundTripsAndRefusesWhatCannotBe() throws {
    let numeric = try FeatureSummary.numeric(
      feature: "creatinine", values: (0..<50).map { Double($0) } + [.nan], cuts: [10, 20, 30],
      minimumCell: 5)
    let category = try FeatureSummary.categorical(
      feature: "ward", codes: (0..<60).map { $0 % 3 }, levels: ["a", "b\tc"], minimumCell: 5)
    for summary in [numeric, category] {
      let bytes = summary.canonicalBytes
      let decoded = try FeatureSummary(canonicalBytes: bytes)
      #expect(decoded == summary)
      #expect(decoded.canonicalBytes == bytes)
      #expect(throws: ValidationError(.malformed, "", field: "")) {
        try FeatureSummary(canonicalBytes: bytes + [0])
      }
      #expect(throws: ValidationError(.malformed, "", field: "")) {
        try FeatureSummary(canonicalBytes: Array(bytes.dropLast()))
      }
    }
    // Version 2, name 4 + 10, kind 1, cuts 4 + 24, count 4: the first count is at 49.
    var negative = numeric.canonicalBytes
    negative[56] = 0xFF
    #expect(throws: ValidationError(.implausible, "", field: "")) {
      try FeatureSummary(canonicalBytes: negative)
    }
    var small = numeric.canonicalBytes
    small[49] = 2
    #expect(throws: ValidationError(.implausible, "", field: "")) {
      try FeatureSummary(canonicalBytes: small)
    }
  }

  @Test func randomBytesNeverTrap() throws {
    let summary = try FeatureSummary.numeric(
      feature: "age", values: (0..<500).map { Double($0 % 90) }, cuts: [20, 40, 60],
      minimumCell: 5)
    let bytes = summary.canonicalBytes
    var uniform = SeededUniform(seed: 78)
    for _ in 0..<5000 {
      var altered = bytes
      for _ in 0...uniform.integer(below: 3) {
        altered[uniform.integer(below: altered.count)] = UInt8(uniform.integer(below: 256))
      }
      if uniform.integer(below: 4) == 0 {
        altered.removeLast(uniform.integer(below: altered.count))
      }
      if let decoded = try? FeatureSummary(canonicalBytes: altered) {
        #expect(decoded.canonicalBytes == altered)
      }
    }
  }
}
