import Foundation

/// Resident memory of a process, from Linux's /proc.
public enum ResidentMemory {
  /// The environment of a process in which every allocation above 64 KiB is a mapping of its own that
  /// goes back when it is freed, so that resident memory follows what is in use. It costs time, so
  /// times are measured without it.
  public static var followingEnvironment: [String: String] {
    ProcessInfo.processInfo.environment.merging(["MALLOC_MMAP_THRESHOLD_": "65536"]) { $1 }
  }

  /// Bytes in use now.
  public static func current(of process: String = "self") -> Int { field("VmRSS:", of: process) }

  /// The most bytes in use since the start or the last `resetPeak`.
  public static func peak(of process: String = "self") -> Int { field("VmHWM:", of: process) }

  /// Starts a new peak at what is in use now. False where the system refuses it.
  @discardableResult
  public static func resetPeak(of process: String = "self") -> Bool {
    guard let handle = FileHandle(forWritingAtPath: "/proc/\(process)/clear_refs") else {
      return false
    }
    defer { try? handle.close() }
    return (try? handle.write(contentsOf: Data("5".utf8))) != nil
  }

  private static func field(_ name: String, of process: String) -> Int {
    let text = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix(name) } ?? ""
    return (Int(line.split(whereSeparator: \.isWhitespace).dropFirst().first ?? "") ?? 0) * 1024
  }
}
