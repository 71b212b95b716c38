import PortableNumerics

/// The 0.975 quantile of the standard normal distribution: every interval here is a 95 % interval.
let normalQuantile975 = 1.959963984540054

/// P(|Z| ≥ |z|) for a standard normal Z.
func twoSidedNormalPValue(_ z: Double) -> Double {
  min(1, 2 * NormalDistribution.upperTail(z.magnitude))
}
