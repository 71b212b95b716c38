import Foundation

/// The long part of a frame: bytes in memory, or in an unlinked file that is read through a map.
///
/// At the aggregator every received payload of more than 512 KiB is a file, so its memory does not
/// grow with the number of sites. The file disappears with the last copy of the value, also when
/// the process is killed.
public struct Payload: Sendable {
  private enum Storage: Sendable {
    case memory([UInt8])
    case words32([UInt32])
    case words64([UInt64])
    case file(SpoolFile)
  }

  private let storage: Storage
  /// Length in bytes.
  public let count: Int

  /// A payload in memory.
  public init(_ bytes: [UInt8]) {
    storage = .memory(bytes)
    count = bytes.count
  }

  /// A payload of words, least significant byte first; it shares the array's memory where the machine is
  /// little-endian.
  public init(littleEndian words: [UInt32]) {
    storage = .words32(
      UInt32(littleEndian: 1) == 1 ? words : words.map(\.littleEndian))
    count = 4 * words.count
  }

  /// The same of longer words.
  public init(littleEndian words: [UInt64]) {
    storage = .words64(
      UInt64(littleEndian: 1) == 1 ? words : words.map(\.littleEndian))
    count = 8 * words.count
  }

  init(_ file: SpoolFile, count: Int) {
    storage = .file(file)
    self.count = count
  }

  /// Whether the bytes are in a file.
  public var isSpooled: Bool {
    if case .file = storage { true } else { false }
  }

  /// Calls `body` with all bytes. A file is mapped for the duration of the call only.
  ///
  /// - Throws: `TransportError.spoolFailed` when the file cannot be mapped, or what `body` throws.
  public func withUnsafeBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    try withUnsafeBytes(in: 0..<count, body)
  }

  /// Calls `body` with the bytes of a range, so that a long vector can be worked through in blocks.
  ///
  /// - Parameter range: any range; what lies outside `0..<count` is refused.
  /// - Throws: `TransportError.spoolFailed` when the range is not inside or the file cannot be
  ///   mapped, or what `body` throws.
  public func withUnsafeBytes<Result>(
    in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    guard range.lowerBound >= 0, range.upperBound <= count else {
      throw TransportError(.spoolFailed, detail: "range outside of the payload")
    }
    switch storage {
    case .memory(let bytes):
      return try bytes.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[range])) }
    case .words32(let words):
      return try words.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[range])) }
    case .words64(let words):
      return try words.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[range])) }
    case .file(let file):
      return try file.withMap(of: range, body)
    }
  }

  /// A copy of a range in memory.
  public func bytes(in range: Range<Int>) throws -> [UInt8] {
    try withUnsafeBytes(in: range) { [UInt8]($0) }
  }

  /// Everything in memory; bytes that are an array already are not copied.
  public func bytes() throws -> [UInt8] {
    if case .memory(let bytes) = storage { return bytes }
    return try bytes(in: 0..<count)
  }
}
