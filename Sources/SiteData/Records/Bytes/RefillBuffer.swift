/// A window on a file: what is not used yet moves to the front when more is read behind it.
///
/// Memory is the window, which doubles when all of it is in use.
struct RefillBuffer {
  private let input: InputBytes
  /// The bytes; those at ``position`` up to ``limit`` are the file's next ones.
  var bytes = [UInt8](repeating: 0, count: 1 << 18)
  /// The first byte not used yet; at most ``limit``.
  var position = 0
  private(set) var limit = 0
  /// Nothing follows the bytes that are here.
  private(set) var isAtEnd = false

  init(_ input: InputBytes) { self.input = input }

  /// How far the file is read, in bytes as they lie on the disk.
  var offset: Int { input.offset }

  /// How many bytes are here and not used yet.
  var restCount: Int { limit - position }

  /// Reads on. Afterwards what was left begins at 0.
  mutating func refill() throws(SiteDataError) {
    guard !isAtEnd else { return }
    let rest = restCount
    if position > 0 {
      let from = position
      bytes.withUnsafeMutableBytes { bytes in
        guard let base = bytes.baseAddress else { return }
        base.copyMemory(from: base + from, byteCount: rest)
      }
    } else if limit == bytes.count {
      bytes += [UInt8](repeating: 0, count: bytes.count)
    }
    position = 0
    limit = rest
    let input = input
    let read = bytes.withUnsafeMutableBytes { bytes in
      Result { () throws(SiteDataError) in
        try input.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[rest...]))
      }
    }
    let count = try read.get()
    if count == 0 { isAtEnd = true }
    limit += count
  }
}
