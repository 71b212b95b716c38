import CanonicalBytes
import Foundation
import Testing

@testable import Validation

@Suite struct ValueBytesTests {
  @Test func bytesComeBackBitForBit() throws {
    let site = try ValuePerformanceTests.site()
    #expect(site.canonicalBytes.prefix(2) == [1, 0], "as before there were values")
    for values in try ValuePerformanceTests.all() {
      let with = site.with(values: values)
      #expect(with.canonicalBytes.prefix(2) == [2, 0])
      let decoded = try SitePerformance(canonicalBytes: with.canonicalBytes)
      #expect(decoded == with && decoded.values == values)
      #expect(decoded.canonicalBytes == with.canonicalBytes)
    }
  }

  @Test(arguments: [51, 52, 53, 54, 55, 56] as [UInt64])
  func everyCohortCanBeRead(seed: UInt64) throws {
    let count = 12 + Int(seed % 7) * 23
    let values = SeededValues(count: count, seed: seed)
    let site = try HoldoutEvaluation.evaluate(
      probabilities: [Double](repeating: 0.5, count: count), outcome: values.counts.map { $0 >= 0 },
      threshold: 0.5, minimumCell: 4)
    for part in [
      ValuePerformance.numbers(try #require(try values.numberPerformance(minimumCell: 4))),
      .numbers(try #require(try values.countPerformance(minimumCell: 4))),
      .classes(try #require(try values.classPerformance(minimumCell: 4))),
    ] {
      let with = site.with(values: part)
      #expect(with.values != nil)
      #expect(try SitePerformance(canonicalBytes: with.canonicalBytes) == with, "seed \(seed)")
    }
  }

  /// Numbers far from 0 with small errors: rounding must not make an honest hospital implausible.
  @Test(arguments: [61, 62, 63, 64, 65, 66] as [UInt64])
  func roundingMakesNobodyImplausible(seed: UInt64) throws {
    var uniform = SeededUniform(seed: seed)
    for offset in [0, 1e3, 1e9, -1e12, 1e15] {
      for scale in [0, 1e-9, 1, 1e6] {
        let observed = (0..<300).map { _ in offset + scale * uniform.next() }
        let predicted = observed.map { $0 + scale * 1e-3 * (uniform.next() - 0.5) }
        let part = try #require(
          try NumberPerformance(
            predicted: predicted, observed: observed, isCount: false, minimumCell: 10),
          "\(offset) \(scale)")
        let site = try HoldoutEvaluation.evaluate(
          probabilities: observed.map { _ in 0.5 }, outcome: observed.map { _ in true },
          threshold: 0.5, minimumCell: 10
        ).with(values: .numbers(part))
        #expect(try SitePerformance(canonicalBytes: site.canonicalBytes) == site)
        #expect(NumberPerformance.pooled([part, part]) != nil)
      }
    }
  }

  @Test func valuesSurviveJSON() throws {
    let site = try ValuePerformanceTests.site()
    for values in try ValuePerformanceTests.all() {
      let with = site.with(values: values)
      let json = try JSONEncoder().encode(with)
      #expect(try JSONDecoder().decode(SitePerformance.self, from: json) == with)
    }
    // A report written before there were values.
    let json = try JSONEncoder().encode(site)
    #expect(!String(decoding: json, as: UTF8.self).contains("values"))
    #expect(try JSONDecoder().decode(SitePerformance.self, from: json) == site)
  }

  /// What a hospital's bytes state, with one thing changed.
  private func refused(
    _ values: ValuePerformance, site: SitePerformance? = nil,
    _ change: (inout [UInt8]) -> Void = { _ in }
  ) throws -> ValidationError.Code? {
    var copy = try site ?? ValuePerformanceTests.site()
    copy.values = values
    var bytes = copy.canonicalBytes
    change(&bytes)
    do {
      _ = try SitePerformance(canonicalBytes: bytes)
      return nil
    } catch {
      return error.code
    }
  }

  @Test func numbersThatNoRowsCanHaveAreRefused() throws {
    let values = try ValuePerformanceTests.all()[1]
    // Layout from the end: deviance 8, presence 1, R² 8, presence 1, RMSE 8, MAE 8, means 8 and 8,
    // rows 8, kind 1.
    func set(_ value: Double, fromEnd: Int) -> (inout [UInt8]) -> Void {
      { bytes in
        var writer = ByteWriter()
        writer.double(value)
        let start = bytes.count - fromEnd
        bytes.replaceSubrange(start..<start + 8, with: writer.bytes)
      }
    }
    #expect(try refused(values) == nil)
    #expect(try refused(values, set(-0.1, fromEnd: 8)) == .implausible)  // a negative deviance
    #expect(try refused(values, set(.nan, fromEnd: 8)) != nil)
    #expect(try refused(values, set(1.1, fromEnd: 17)) == .implausible)  // R² above 1
    #expect(try refused(values, set(0.5, fromEnd: 26)) == .implausible)  // RMSE below MAE
    #expect(try refused(values, set(-1, fromEnd: 34)) == .implausible)  // a negative error
    #expect(try refused(values, set(0.05, fromEnd: 34)) == .implausible)  // not the means
    #expect(try refused(values, set(-0.5, fromEnd: 50)) == .implausible)  // a negative mean count
    #expect(try refused(values, set(.infinity, fromEnd: 50)) == .implausible)
    #expect(try refused(values) { $0[$0.count - 58] = 201 } == .implausible)  // a row too many
    #expect(try refused(values) { $0[$0.count - 58] = 195 } == .implausible)  // five rows left out
    #expect(try refused(values) { $0[$0.count - 59] = 7 } == .malformed)  // neither kind
    #expect(try refused(values) { $0.removeLast() } == .malformed)
    #expect(try refused(values) { $0.append(0) } == .malformed)
    #expect(try refused(values) { $0[0] = 1 } == .malformed)  // values in the format without
    let small = try HoldoutEvaluation.evaluate(
      probabilities: [Double](repeating: 0.5, count: 200), outcome: (0..<200).map { $0 < 4 },
      threshold: 0.5, minimumCell: 10)
    #expect(try refused(values, site: small) == .implausible)
  }

  @Test func classesThatNoRowsCanHaveAreRefused() throws {
    func one(_ name: String, _ count: Int?, _ auroc: Double? = nil) -> ClassPerformance.OneClass {
      .init(
        name: name, rowCount: count,
        discrimination: auroc.flatMap { AUROC(value: $0, standardError: 0.1) })
    }
    func refused(
      _ classes: [ClassPerformance.OneClass], correct: Int = 100, loss: Double = 1
    ) throws -> ValidationError.Code? {
      try self.refused(
        .classes(
          ClassPerformance(
            unchecked: 200, correctCount: correct, meanLogLoss: loss, classes: classes)))
    }
    let fine = [one("a", 120, 0.7), one("b", 80, 0.6), one("c", 0)]
    #expect(try refused(fine) == nil)
    #expect(try refused([one("a", nil), one("b", nil), one("c", 80)]) == nil)
    #expect(try refused(fine, correct: 201) == .implausible)
    #expect(try refused(fine, loss: -1) == .implausible)
    #expect(try refused(fine, loss: 35) == .implausible)
    #expect(try refused([one("a", 120), one("b", 70)]) == .implausible)  // ten rows of no class
    #expect(try refused([one("a", 120), one("b", 90)]) == .implausible)
    #expect(try refused([one("a", 195), one("b", 5)]) == .implausible)  // a small class
    #expect(try refused([one("a", 195), one("b", nil), one("c", nil)]) == .implausible)
    #expect(try refused([one("a", 120), one("b", nil)]) == .implausible)  // 80 by subtraction
    #expect(try refused([one("a", 200), one("b", nil), one("c", nil)]) == .implausible)
    #expect(try refused([one("a", 120), one("a", 80)]) == .implausible)
    #expect(try refused([one("a", 200)]) == .implausible)
    #expect(try refused([one("a", 200, 0.5), one("b", 0)]) == .implausible)  // no others
    #expect(try refused([one("a", nil, 0.5), one("b", nil), one("c", 20)]) == .implausible)
    let many = (0..<65).map { one("\($0)", $0 < 20 ? 10 : 0) }
    #expect(try refused(many) == .malformed)
    #expect(try refused(many.dropLast()) == nil)
  }

  @Test func randomBytesNeverTrap() throws {
    var uniform = SeededUniform(seed: 78)
    var survivors = 0
    for values in try ValuePerformanceTests.all() {
      let bytes = try ValuePerformanceTests.site().with(values: values).canonicalBytes
      for _ in 0..<1500 {
        var altered = bytes
        let tail = min(altered.count, 160)
        for _ in 0...uniform.integer(below: 3) {
          altered[altered.count - 1 - uniform.integer(below: tail)] =
            UInt8(uniform.integer(below: 256))
        }
        if uniform.integer(below: 4) == 0 {
          altered.removeLast(uniform.integer(below: tail))
        }
        if let decoded = try? SitePerformance(canonicalBytes: altered) {
          survivors += 1
          #expect(decoded.canonicalBytes == altered)
        }
      }
    }
    #expect(survivors < 4500)
  }
}
