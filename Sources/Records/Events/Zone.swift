/// The zone of clocks that write no zone: how many seconds east of UTC they are, and since when.
public struct Zone: Sendable, Hashable, ExpressibleByIntegerLiteral {
  /// A moment from which clocks show another time.
  public struct Transition: Sendable, Hashable {
    /// Seconds since 1970-01-01 00:00:00 UTC.
    public let moment: Int64
    /// Seconds east of UTC from then on.
    public let offset: Int64

    public init(moment: Int64, offset: Int64) {
      self.moment = moment
      self.offset = offset
    }
  }

  /// Seconds east of UTC before the first transition.
  public let offset: Int64
  /// In the order of their moments; empty for a fixed offset.
  public let transitions: [Transition]

  public init(offset: Int64, transitions: [Transition] = []) {
    self.offset = offset
    self.transitions = transitions.sorted { $0.moment < $1.moment }
  }

  /// A fixed offset in seconds east of UTC.
  public init(integerLiteral value: Int64) { self.init(offset: value) }

  /// The moment at which the clocks show a time, both in seconds since 1970-01-01 00:00:00.
  ///
  /// A time that clocks show twice, when they are set back, is the later moment: nothing counts as
  /// known before it can be. One that they pass over, when they are set forward, is what a clock that
  /// was not set shows.
  @inline(__always)
  public func moment(of local: Int64) -> Int64 {
    transitions.isEmpty ? local - offset : moment(amongTransitions: local)
  }

  private func moment(amongTransitions local: Int64) -> Int64 {
    // The last transition after which the clocks can show this time.
    var low = 0
    var high = transitions.count
    while low < high {
      let middle = (low + high) / 2
      if transitions[middle].moment + transitions[middle].offset <= local {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return local - (low == 0 ? offset : transitions[low - 1].offset)
  }
}
