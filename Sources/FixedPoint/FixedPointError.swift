/// Why an encoding was refused. Equality is on the code; no value is carried.
public struct FixedPointError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Code: String, Sendable {
    /// m·B + 40σ reaches 2^(w−1): a sum could wrap around.
    case overflowPossible = "overflow-possible"
    /// A scale, bound, site count or standard deviation outside its range.
    case invalidParameter = "invalid-parameter"
    /// A value is NaN or infinite.
    case notFinite = "not-finite"
    /// An integer lies beyond the declared bound.
    case outOfBound = "out-of-bound"
  }

  public let code: Code
  /// Position of the value at fault, where one is at fault.
  public let index: Int?

  public init(_ code: Code, index: Int? = nil) {
    self.code = code
    self.index = index
  }

  /// A constant sentence for the code.
  public var message: String {
    switch code {
    case .overflowPossible: "the sum over the sites could overflow the ring"
    case .invalidParameter: "a parameter of the encoding is outside its range"
    case .notFinite: "a value to encode is not a finite number"
    case .outOfBound: "an integer is beyond the declared bound"
    }
  }

  public var description: String {
    index.map { "\(code.rawValue) at \($0): \(message)" } ?? "\(code.rawValue): \(message)"
  }

  public static func == (left: Self, right: Self) -> Bool { left.code == right.code }
}
