import Foundation

/// A file system of its own in memory, small enough to be filled; mounting it needs the right to.
struct SmallDisk: Sendable {
  let path: String
  private static let mount = URL(fileURLWithPath: "/bin/mount")
  private var filler: String { "\(path)/filler" }

  /// Why a test without it is skipped.
  static let need = "a full disk needs the right to mount a tmpfs, which this account has not"

  /// Whether this account may mount one.
  static func isPossible() async -> Bool {
    let folder = NSTemporaryDirectory() + "wardround-mount-\(UUID().uuidString.prefix(8))"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    do {
      return try await running(at: folder, megabytes: 1) { _ in true }
    } catch {
      return false
    }
  }

  /// Mounts one at a folder, with what the folder holds, while a body runs.
  static func running<Value: Sendable>(
    at path: String, megabytes: Int, _ body: @Sendable (SmallDisk) async throws -> Value
  ) async throws -> Value {
    let files = FileManager.default
    let kept = path + ".kept"
    if files.fileExists(atPath: path) { try files.moveItem(atPath: path, toPath: kept) }
    try files.createDirectory(atPath: path, withIntermediateDirectories: true)
    let mounted = try await Command.run(
      mount, ["-t", "tmpfs", "-o", "size=\(megabytes)m", "tmpfs", path])
    guard mounted.status == 0 else { throw Failure("mount: \(mounted.error)") }
    let result: Result<Value, any Error>
    do {
      for name in (try? files.contentsOfDirectory(atPath: kept)) ?? [] {
        try files.copyItem(atPath: "\(kept)/\(name)", toPath: "\(path)/\(name)")
      }
      result = .success(try await body(SmallDisk(path: path)))
    } catch {
      result = .failure(error)
    }
    _ = try await Command.run(URL(fileURLWithPath: "/bin/umount"), ["-l", path])
    return try result.get()
  }

  /// Takes the last of the space with another file.
  func fill() {
    _ = FileManager.default.createFile(atPath: filler, contents: nil)
    guard let handle = FileHandle(forWritingAtPath: filler) else { return }
    while (try? handle.write(contentsOf: Data(repeating: 7, count: 4096))) != nil {}
  }

  /// Gives the space back.
  func free() throws { try FileManager.default.removeItem(atPath: filler) }
}
