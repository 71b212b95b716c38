/// Threads that a site lends to an answer: this target itself starts none.
public struct WorkCrew: Sendable {
  /// How many parts the work is cut into, at least 1.
  public let size: Int
  /// Calls its argument once for every part 0 ..< size, in any order and on any thread, and returns
  /// when all calls have.
  public let run: @Sendable (_ size: Int, _ part: @Sendable (Int) -> Void) -> Void

  /// - Parameter size: less than 1 counts as 1.
  public init(
    size: Int, run: @escaping @Sendable (_ size: Int, _ part: @Sendable (Int) -> Void) -> Void
  ) {
    self.size = max(size, 1)
    self.run = run
  }

  /// The calling thread alone.
  public static let single = WorkCrew(size: 1) { size, part in
    for index in 0..<size { part(index) }
  }
}
