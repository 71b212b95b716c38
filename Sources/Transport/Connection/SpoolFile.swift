import Foundation

/// A folder for received payloads. Files in it are unlinked as soon as they are made.
public struct SpoolFolder: Sendable {
  /// Path of an existing folder that this process may write to.
  public let path: String

  /// Makes the value; the folder is first used when a payload arrives.
  public init(path: String) {
    self.path = path
  }

  /// The system's folder for temporary files.
  public static var temporary: SpoolFolder { SpoolFolder(path: NSTemporaryDirectory()) }

  /// A new, empty, unlinked file.
  ///
  /// - Throws: `TransportError.spoolFailed` with the system's reason.
  func makeFile() throws(TransportError) -> SpoolFile {
    var template = Array((path + "/wardround-spool-XXXXXX").utf8CString)
    let descriptor = mkstemp(&template)
    guard descriptor >= 0 else { throw SpoolFile.failure(path) }
    _ = unlink(template)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    return SpoolFile(descriptor: descriptor, folder: path)
  }
}

/// An unlinked file that one task appends to and, once it is complete, any task reads.
final class SpoolFile: Sendable {
  private let descriptor: Int32
  private let folder: String

  init(descriptor: Int32, folder: String) {
    self.descriptor = descriptor
    self.folder = folder
  }

  deinit { _ = close(descriptor) }

  static func failure(_ folder: String) -> TransportError {
    TransportError(.spoolFailed, subject: folder, detail: String(cString: strerror(errno)))
  }

  /// Writes all bytes at an offset. Blocks on the disk, so call it on a thread that may.
  func write(_ bytes: [UInt8], at offset: Int) throws(TransportError) {
    var written = 0
    while written < bytes.count {
      let start = written
      let result = bytes.withUnsafeBytes { buffer in
        pwrite(
          descriptor, buffer.baseAddress?.advanced(by: start), buffer.count - start,
          off_t(offset + start))
      }
      if result < 0 {
        if errno == EINTR { continue }
        throw Self.failure(folder)
      }
      guard result > 0 else { throw Self.failure(folder) }
      written += result
    }
  }

  /// Maps a range that has been written, for the duration of `body`. The file is unlinked and only
  /// ever appended to by this process, so it cannot shrink under the map.
  func withMap<Result>(
    of range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    guard !range.isEmpty else { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let start = range.lowerBound / page * page
    let length = range.upperBound - start
    guard let map = mmap(nil, length, PROT_READ, MAP_SHARED, descriptor, off_t(start)),
      map != MAP_FAILED
    else { throw Self.failure(folder) }
    defer { munmap(map, length) }
    return try body(
      UnsafeRawBufferPointer(start: map + (range.lowerBound - start), count: range.count))
  }
}
