/// Discrete Fourier transforms of a power-of-two length, for convolutions only.
///
/// The forward transform leaves its result in bit-reversed order and the inverse one takes it in
/// that order, which pointwise products do not see, so no permutation is made. Twiddle factors come
/// from half-angle formulas with square roots alone: no trigonometric library, the same bits on
/// every machine.
struct FourierTransform {
  /// n = 2^k.
  let count: Int
  /// e^(−πi k/m) for m = 1, 2, 4 … n/2 at offset m, k = 0 ..< m.
  private let cosines: [Double]
  private let sines: [Double]

  /// - Parameter logarithm: k of n = 2^k, 1 … 24.
  init(logarithm: Int) {
    count = 1 << logarithm
    var cosines = [Double](repeating: 1, count: max(count, 2))
    var sines = [Double](repeating: 0, count: max(count, 2))
    // e^(−πi/m): at m = 1 it is −1, half the angle at every doubling.
    var (rootCosine, rootSine) = (-1.0, 0.0)
    var half = 1
    while 2 * half < count {
      let next = 2 * half
      if half == 1 {
        (rootCosine, rootSine) = (0, -1)
      } else {
        let cosine = ((1 + rootCosine) * 0.5).squareRoot()
        (rootCosine, rootSine) = (cosine, rootSine / (2 * cosine))
      }
      for k in 0..<half {
        let (c, s) = (cosines[half + k], sines[half + k])
        cosines[next + 2 * k] = c
        sines[next + 2 * k] = s
        cosines[next + 2 * k + 1] = c * rootCosine - s * rootSine
        sines[next + 2 * k + 1] = c * rootSine + s * rootCosine
      }
      half = next
    }
    self.cosines = cosines
    self.sines = sines
  }

  /// Forward transform in place; natural order in, bit-reversed order out.
  func forward(_ real: inout [Double], _ imaginary: inout [Double]) {
    let n = count
    cosines.withUnsafeBufferPointer { cosines in
      sines.withUnsafeBufferPointer { sines in
        real.withUnsafeMutableBufferPointer { x in
          imaginary.withUnsafeMutableBufferPointer { y in
            var half = n / 2
            while half >= 1 {
              var start = 0
              while start < n {
                var a = start
                var b = start + half
                var w = half
                let end = start + half
                while a < end {
                  let (xa, xb, ya, yb) = (x[a], x[b], y[a], y[b])
                  x[a] = xa + xb
                  y[a] = ya + yb
                  let (dx, dy) = (xa - xb, ya - yb)
                  let (c, s) = (cosines[w], sines[w])
                  x[b] = dx * c - dy * s
                  y[b] = dx * s + dy * c
                  a &+= 1
                  b &+= 1
                  w &+= 1
                }
                start += 2 * half
              }
              half /= 2
            }
          }
        }
      }
    }
  }

  /// Inverse transform in place; bit-reversed order in, natural order out, divided by n.
  func inverse(_ real: inout [Double], _ imaginary: inout [Double]) {
    let n = count
    let scale = 1 / Double(n)
    cosines.withUnsafeBufferPointer { cosines in
      sines.withUnsafeBufferPointer { sines in
        real.withUnsafeMutableBufferPointer { x in
          imaginary.withUnsafeMutableBufferPointer { y in
            var half = 1
            while half < n {
              var start = 0
              while start < n {
                var a = start
                var b = start + half
                var w = half
                let end = start + half
                while a < end {
                  let (c, s) = (cosines[w], sines[w])
                  let (xb, yb) = (x[b], y[b])
                  let tx = xb * c + yb * s
                  let ty = yb * c - xb * s
                  let (xa, ya) = (x[a], y[a])
                  x[a] = xa + tx
                  y[a] = ya + ty
                  x[b] = xa - tx
                  y[b] = ya - ty
                  a &+= 1
                  b &+= 1
                  w &+= 1
                }
                start += 2 * half
              }
              half *= 2
            }
            for index in 0..<n { x[index] *= scale }
            for index in 0..<n { y[index] *= scale }
          }
        }
      }
    }
  }
}
