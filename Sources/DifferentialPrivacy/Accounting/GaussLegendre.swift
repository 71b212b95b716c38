/// Nodes and weights of Gauss–Legendre quadrature on [−1, 1].
enum GaussLegendre {
  /// The eight positive nodes of the 16-point rule with their weights; −node has the same weight.
  /// Zeros of P₁₆ and 2/((1 − x²) P₁₆′(x)²) from 40-digit arithmetic.
  static let sixteen: [(node: Double, weight: Double)] = [
    (0.09501250983763744, 0.1894506104550685),
    (0.28160355077925891, 0.18260341504492359),
    (0.45801677765722739, 0.16915651939500254),
    (0.61787624440264375, 0.14959598881657673),
    (0.75540440835500303, 0.12462897125553387),
    (0.86563120238783174, 0.095158511682492785),
    (0.94457502307323258, 0.062253523938647893),
    (0.98940093499164993, 0.027152459411754095),
  ]
}
