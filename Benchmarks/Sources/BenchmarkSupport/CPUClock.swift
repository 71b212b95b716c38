import Glibc

/// Processor time of this process: what a step costs whatever else the machine is doing.
public enum CPUClock {
  /// Seconds of processor time so far, user and system, of all threads.
  public static var seconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  /// Seconds of processor time that `body` takes.
  public static func measure(_ body: () throws -> Void) rethrows -> Double {
    let start = seconds
    try body()
    return seconds - start
  }
}

extension Collection<Double> {
  /// The middle value; 0 for none.
  public var median: Double {
    let ordered = sorted()
    guard let high = ordered.dropFirst(ordered.count / 2).first else { return 0 }
    guard ordered.count.isMultiple(of: 2) else { return high }
    return (ordered[ordered.count / 2 - 1] + high) / 2
  }

  /// The value below which a share of the values lies (nearest rank); 0 for none.
  public func quantile(_ share: Double) -> Double {
    let ordered = sorted()
    guard !ordered.isEmpty else { return 0 }
    let rank = Int((share * Double(ordered.count)).rounded(.up)) - 1
    return ordered[Swift.min(Swift.max(rank, 0), ordered.count - 1)]
  }
}
