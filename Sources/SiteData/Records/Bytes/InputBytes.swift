import CZlib
import Glibc

/// The bytes of a file, plain or compressed with gzip (zlib passes plain files through), or bytes
/// in memory.
final class InputBytes {
  private let handle: gzFile?
  private let file: String
  private var memory: ArraySlice<UInt8> = []

  init(bytes: [UInt8], file: String) {
    handle = nil
    self.file = file
    memory = bytes[...]
  }

  /// `name` is what messages call the file; its path when nil.
  init(path: String, name: String? = nil) throws(SiteDataError) {
    func refused() -> SiteDataError {
      SiteDataError(
        .unreadableFile, file: name ?? path, message: "the file cannot be opened",
        advice: "check the path and the file's permissions")
    }
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFDIR,
      let handle = gzopen(path, "rb")
    else { throw refused() }
    gzbuffer(handle, 1 << 18)
    self.handle = handle
    file = name ?? path
  }

  deinit { if let handle { gzclose_r(handle) } }

  /// How far the file is read, in bytes as they lie on the disk; 0 of bytes in memory.
  var offset: Int { handle.map { max(0, Int(gzoffset($0))) } ?? 0 }

  /// The size of files on the disk together; nil when one cannot be looked at.
  static func size(of files: [String]) -> Int? {
    var sum = 0
    for file in files {
      var status = stat()
      guard stat(file, &status) == 0 else { return nil }
      sum += Int(status.st_size)
    }
    return sum
  }

  /// Fills as much of `target` as there is; 0 at the end.
  func read(into target: UnsafeMutableRawBufferPointer) throws(SiteDataError) -> Int {
    guard target.count > 0 else { return 0 }
    guard let handle else {
      let count = min(target.count, memory.count)
      target.copyBytes(from: memory.prefix(count))
      memory = memory.dropFirst(count)
      return count
    }
    let count = gzread(handle, target.baseAddress, UInt32(clamping: min(target.count, 1 << 30)))
    if count > 0 { return Int(count) }
    var status: Int32 = Z_OK
    _ = gzerror(handle, &status)
    guard count == 0, status == Z_OK || status == Z_STREAM_END else {
      throw SiteDataError(
        .unreadableFile, file: file, message: "the file ends in the middle or cannot be read",
        advice: "copy or compress the file again")
    }
    return 0
  }
}
