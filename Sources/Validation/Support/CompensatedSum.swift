/// A sum that keeps what additions round away (Neumaier 1974): its error is a rounding of the result
/// and not of the largest partial sum. + and − only, so the same bits on every machine.
struct CompensatedSum {
  private var sum = 0.0
  private var lost = 0.0

  /// The sum of some finite numbers, in their order.
  static func of(_ values: some Sequence<Double>) -> Double {
    var sum = CompensatedSum()
    for value in values { sum.add(value) }
    return sum.value
  }

  var value: Double { sum + lost }

  mutating func add(_ value: Double) {
    let next = sum + value
    lost += sum.magnitude >= value.magnitude ? (sum - next) + value : (value - next) + sum
    sum = next
  }
}
