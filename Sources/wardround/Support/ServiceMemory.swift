import Foundation

/// Settings of the memory allocator for a process that serves many sites for a long time.
enum ServiceMemory {
  /// Gives freed long vectors back to the system at once, and keeps few arenas: without it glibc holds on
  /// to the largest size that every thread has ever seen.
  ///
  /// Blocks below 2 MiB, such as network buffers and the vectors of most rounds, are used again: to
  /// map and clear them anew for every message costs more than to fill them. At most 16 MiB of freed
  /// blocks are kept at the end of each arena.
  ///
  /// glibc reads these settings when a process starts, so the process starts itself once more, in
  /// place, unless the variables are there. When that fails it goes on as it is.
  static func prepare() {
    guard getenv("MALLOC_ARENA_MAX") == nil else { return }
    setenv("MALLOC_ARENA_MAX", "2", 1)
    setenv("MALLOC_MMAP_THRESHOLD_", "2097152", 1)
    setenv("MALLOC_TRIM_THRESHOLD_", "16777216", 1)
    setenv("MALLOC_TOP_PAD_", "1048576", 1)
    execv("/proc/self/exe", CommandLine.unsafeArgv)
  }
}
