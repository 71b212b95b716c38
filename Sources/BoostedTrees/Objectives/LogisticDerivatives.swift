import PortableNumerics

/// g = p − y and h = p·(1 − p) with p the logistic function of the margin.
enum LogisticDerivatives {
  @inline(__always)
  static func write(
    count: Int, margins: UnsafePointer<Double>, outcomes: UnsafePointer<Double>,
    into target: DerivativeRows
  ) {
    for row in 0..<count {
      let probability = Portable.sigmoid(margins[row])
      target.gradient[row] = probability - outcomes[row]
      target.hessian[row] = probability * (1 - probability)
    }
  }
}
