/// L2 sensitivities of common releases to one patient.
public enum StructuredSensitivity {
  /// Histograms of gradients and Hessians over m features at one level of a tree: each of the
  /// patient's records is in one bin per feature, so Δ₂ = c √(m (g² + h²)) when all c records share
  /// their bins.
  ///
  /// - Parameters:
  ///   - featureCount: m ≥ 0.
  ///   - gradientBound: |g| of a record.
  ///   - hessianBound: |h| of a record.
  ///   - recordsPerPatient: c ≥ 0.
  /// - Throws: `outOfRange`.
  public static func gradientHistograms(
    featureCount: Int, gradientBound: Double, hessianBound: Double, recordsPerPatient: Int
  ) throws(DifferentialPrivacyError) -> Double {
    try check(featureCount, "features")
    try check(recordsPerPatient, "records_per_patient")
    try RenyiDivergence.check(nonNegative: gradientBound, "g_max")
    try RenyiDivergence.check(nonNegative: hessianBound, "h_max")
    let record = gradientBound * gradientBound + hessianBound * hessianBound
    return Double(recordsPerPatient) * (Double(featureCount) * record).squareRoot()
  }

  /// Histograms of m features: Δ₂ = c √m when all c records of the patient share their bins.
  ///
  /// - Throws: `outOfRange`.
  public static func marginalHistograms(
    featureCount: Int, recordsPerPatient: Int
  ) throws(DifferentialPrivacyError) -> Double {
    try check(featureCount, "features")
    try check(recordsPerPatient, "records_per_patient")
    return Double(recordsPerPatient) * Double(featureCount).squareRoot()
  }

  /// One step of noisy Newton logistic regression on rows with ‖x‖ ≤ c: gradient Δ₂ = c, upper
  /// triangle of the Hessian Δ₂ ≤ c²/4.
  ///
  /// - Returns: the two sensitivities.
  /// - Throws: `outOfRange`.
  public static func newtonStep(
    rowNormBound: Double
  ) throws(DifferentialPrivacyError) -> (gradient: Double, hessian: Double) {
    try RenyiDivergence.check(nonNegative: rowNormBound, "norm")
    return (rowNormBound, rowNormBound * rowNormBound * 0.25)
  }

  private static func check(_ count: Int, _ field: String) throws(DifferentialPrivacyError) {
    guard count >= 0 else {
      throw DifferentialPrivacyError(.outOfRange, "a count is at least 0", field: field)
    }
  }
}
