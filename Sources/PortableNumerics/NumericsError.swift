/// Why a numerical routine could not give a result.
///
/// Messages are constant text: they never hold a value of the data.
public struct NumericsError: Error, Sendable, Equatable {
  /// What went wrong. The list may grow.
  public enum Code: String, Sendable {
    /// A storage or vector has not the length its shape asks for.
    case shapeMismatch
    /// A pivot of the factorisation is not above the tolerance, or not a number.
    case notPositiveDefinite
    /// Bin edges are not finite and strictly increasing.
    case unorderedEdges
  }

  public let code: Code
  /// The row, column or element (0-based) where the fault was met, where there is one.
  public let index: Int?

  public init(_ code: Code, index: Int? = nil) {
    self.code = code
    self.index = index
  }

  /// A constant sentence for the code.
  public var message: String {
    switch code {
    case .shapeMismatch: "the number of elements does not fit the shape"
    case .notPositiveDefinite: "the matrix is not positive definite"
    case .unorderedEdges: "bin edges must be finite and strictly increasing"
    }
  }
}
