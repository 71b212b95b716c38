/// A fixture could not be made; the text says why.
public struct TestFault: Error, CustomStringConvertible {
  public let description: String

  public init(_ description: String) {
    self.description = description
  }
}
