import Foundation

/// Settings of the memory allocator for a process that serves many sites for a long time.
enum ServiceMemory {
  /// Gives freed vectors and network buffers back to the system at once, and keeps few arenas:
  /// without it glibc holds on to the largest size that every thread has ever seen.
  ///
  /// glibc reads these settings when a process starts, so the process starts itself once more, in
  /// place, unless the variables are there. When that fails it goes on as it is.
  static func prepare() {
    guard getenv("MALLOC_ARENA_MAX") == nil else { return }
    setenv("MALLOC_ARENA_MAX", "2", 1)
    setenv("MALLOC_MMAP_THRESHOLD_", "131072", 1)
    execv("/proc/self/exe", CommandLine.unsafeArgv)
  }
}
