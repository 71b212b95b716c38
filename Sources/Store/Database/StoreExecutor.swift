import Dispatch

/// The thread of an actor that writes to a store with the calls that wait: its jobs run one after the
/// other, on a thread that may wait for the disk without holding up anybody else's work.
public final class StoreExecutor: SerialExecutor {
  private let queue: DispatchQueue

  /// - Parameter label: shown by debuggers.
  public init(label: String) {
    queue = DispatchQueue(label: label)
  }

  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
  }
}
