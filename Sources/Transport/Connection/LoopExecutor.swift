import NIOCore

/// Runs the tasks of a connection on the thread that serves its socket, so that a message passes from
/// the socket to its reader, and from the writer to the socket, without waking another thread.
///
/// What runs here must not block and must not compute for long: the roles' own code is put back onto
/// the general pool by `StreamConnection.serve`.
final class LoopExecutor: TaskExecutor {
  private let loop: any EventLoop

  init(_ loop: any EventLoop) {
    self.loop = loop
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
