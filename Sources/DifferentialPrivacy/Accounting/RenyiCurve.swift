import PortableNumerics

/// Rényi differential privacy at a list of orders: D_α between neighbouring runs is at most
/// `values[i]` at α = `orders[i]` (Mironov 2017, definition 4).
///
/// The second opinion beside the privacy loss distribution. Releases compose by adding values
/// order by order.
public struct RenyiCurve: Sendable, Equatable {
  /// The orders α ≥ 1, in any order, at least one.
  public let orders: [Double]
  /// The divergences, ≥ 0, ∞ where the order gives no bound; as many as orders.
  public let values: [Double]

  /// 1.1 … 10.9 in steps of 0.1, 11 … 63, 128, 256, 512 and 1024.
  ///
  /// The default list of the widely used accountants, so that results compare to the last place.
  public static let defaultOrders: [Double] =
    (1..<100).map { 1 + Double($0) / 10 } + (11..<64).map(Double.init) + [128, 256, 512, 1024]

  /// Creates a curve.
  ///
  /// - Throws: `lengthMismatch`; `outOfRange` for an order below 1, a value that is negative or
  ///   NaN, or no order at all.
  public init(orders: [Double], values: [Double]) throws(DifferentialPrivacyError) {
    guard orders.count == values.count else {
      throw DifferentialPrivacyError(
        .lengthMismatch, "one divergence per order is needed", field: "rdp")
    }
    if orders.isEmpty {
      throw DifferentialPrivacyError(.outOfRange, "at least one order is needed", field: "orders")
    }
    for (index, order) in orders.enumerated() {
      guard order >= 1 else {
        throw DifferentialPrivacyError(
          .outOfRange, "an order is at least 1", field: "orders", index: index)
      }
      guard values[index] >= 0 else {
        throw DifferentialPrivacyError(
          .outOfRange, "a divergence is at least 0", field: "rdp", index: index)
      }
    }
    self.orders = orders
    self.values = values
  }

  /// The curve of one mechanism at the given orders.
  public init(
    orders: [Double] = RenyiCurve.defaultOrders,
    divergence: (Double) throws(DifferentialPrivacyError) -> Double
  ) throws(DifferentialPrivacyError) {
    var values: [Double] = []
    values.reserveCapacity(orders.count)
    for order in orders { values.append(try divergence(order)) }
    try self.init(orders: orders, values: values)
  }

  /// Both releases together.
  ///
  /// - Throws: `lengthMismatch` when the orders differ.
  public func composed(with other: RenyiCurve) throws(DifferentialPrivacyError) -> RenyiCurve {
    guard orders == other.orders else {
      throw DifferentialPrivacyError(
        .lengthMismatch, "curves compose at the same orders", field: "orders")
    }
    return try RenyiCurve(orders: orders, values: zip(values, other.values).map { $0 + $1 })
  }

  /// The guarantee of `count` releases of this kind.
  ///
  /// - Throws: `outOfRange` for a negative count.
  public func repeated(_ count: Double) throws(DifferentialPrivacyError) -> RenyiCurve {
    guard count >= 0 else {
      throw DifferentialPrivacyError(.outOfRange, "a count is at least 0", field: "count")
    }
    return try RenyiCurve(
      orders: orders, values: values.map { count == 0 || $0 == 0 ? 0 : $0 * count })
  }

  /// The smallest ε over the orders and the order that gives it:
  /// ε = D_α + log(1 − 1/α) − log(αδ)/(α − 1) (Canonne, Kamath and Steinke 2020,
  /// proposition 12).
  ///
  /// ε is 0 where the Kullback–Leibler divergence, at most D_α, already bounds the total
  /// variation by √(1 − e^(−D)) ≤ δ (Bretagnolle and Huber 1979). Orders of 1.01 and below give
  /// only this second bound.
  ///
  /// - Throws: `outOfRange`.
  public func epsilonAndOrder(
    delta: Double
  ) throws(DifferentialPrivacyError) -> (epsilon: Double, order: Double) {
    try GaussianPrivacy.checkDelta(delta)
    if delta == 0 {
      return (values.allSatisfy { $0 == 0 } ? 0 : .infinity, 0)
    }
    var best = Double.infinity
    var bestOrder = orders.first ?? .infinity
    for (order, value) in zip(orders, values) {
      var epsilon = Double.infinity
      if delta * delta + Portable.expm1(-value) > 0 {
        epsilon = 0
      } else if order > 1.01, order < .infinity {
        epsilon =
          value + Portable.log1p(-1 / order)
          - (Portable.log(delta) + Portable.log(order)) / (order - 1)
      } else if order == .infinity {
        epsilon = value
      }
      if epsilon < best { (best, bestOrder) = (epsilon, order) }
    }
    return (max(0, best), bestOrder)
  }

  /// The smallest ε over the orders; see ``epsilonAndOrder(delta:)``.
  public func epsilon(delta: Double) throws(DifferentialPrivacyError) -> Double {
    try epsilonAndOrder(delta: delta).epsilon
  }

  /// The smallest δ over the orders and the order that gives it: the smaller of
  /// exp((α − 1)(D_α − ε + log(1 − 1/α)) − log α) and √(1 − e^(−D_α)).
  ///
  /// - Throws: `outOfRange`.
  public func deltaAndOrder(
    epsilon: Double
  ) throws(DifferentialPrivacyError) -> (delta: Double, order: Double) {
    guard epsilon >= 0 else {
      throw DifferentialPrivacyError(.outOfRange, "ε must be at least 0", field: "epsilon")
    }
    var best = Double.infinity
    var bestOrder = orders.first ?? .infinity
    for (order, value) in zip(orders, values) {
      // log √(1 − e^(−D)), also for D near 0.
      var logDelta = value == 0 ? -.infinity : 0.5 * Portable.log(-Portable.expm1(-value))
      if order > 1.01, order < .infinity, value < .infinity {
        let exponent =
          (order - 1) * (value - epsilon + Portable.log1p(-1 / order)) - Portable.log(order)
        logDelta = min(logDelta, exponent)
      } else if order == .infinity, value <= epsilon {
        logDelta = -.infinity
      }
      if logDelta < best { (best, bestOrder) = (logDelta, order) }
    }
    return (min(1, Portable.exp(best)), bestOrder)
  }
}
