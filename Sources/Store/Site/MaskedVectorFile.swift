import Cryptography
import Foundation

/// The masked vector of a study's newest round, in a file beside the database that every round writes over.
///
/// It is as long as the answer and lives for one round only. In the database it would be written three times
/// (log, checkpoint, zeros when it is erased); here it is written once, and not at all to the disk when the
/// round is quicker than the system's own writing back. A power cut can lose it or leave a part of it: whoever
/// reads it compares it with the digest of the journal's record, and without it the round ends without this
/// site, as a restart in any earlier step does. It never makes another answer possible.
///
/// Layout, little-endian: round u64, number of bytes u64, digest 32 bytes, bytes.
struct MaskedVectorFile {
  private let folder: String
  private let path: String
  private static let headerBytes = 48
  private static let digestBytes = 32

  /// - Parameter database: path of the store's file.
  init(beside database: String, study: String) {
    folder = database + "-vectors"
    let name = StoreHash.vectorFile.digest(Array(study.utf8)).prefix(16)
    path = folder + "/" + Hexadecimal.encode(Array(name))
  }

  /// Writes over what was there.
  ///
  /// - Throws: `diskFull`, `readOnly`, `cannotOpen`, `inputOutput`; `invalidValue` for a digest that is not of 32 bytes.
  func write(_ vector: JournalVector) throws(StoreError) {
    guard vector.digest.count == Self.digestBytes else {
      throw StoreError(.invalidValue, "the digest of a vector has 32 bytes")
    }
    let descriptor = try opened()
    defer { close(descriptor) }
    var header: [UInt8] = []
    for number in [vector.round, UInt64(vector.bytes.count)] {
      header += withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }
    header += vector.digest
    try write(header, to: descriptor, at: 0)
    try write(vector.bytes, to: descriptor, at: Self.headerBytes)
  }

  /// What is there, whole or not: the reader compares the digest. Nil without a file or with less than the
  /// header announces.
  func read() -> JournalVector? {
    guard let file = FileHandle(forReadingAtPath: path),
      let data = try? file.readToEnd(), data.count >= Self.headerBytes
    else { return nil }
    let bytes = [UInt8](data)
    func number(at start: Int) -> UInt64 {
      bytes[start..<start + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    guard let count = Int(exactly: number(at: 8)), count <= bytes.count - Self.headerBytes else {
      return nil
    }
    return JournalVector(
      round: number(at: 0), digest: Array(bytes[16..<Self.headerBytes]),
      bytes: Array(bytes[Self.headerBytes..<Self.headerBytes + count]))
  }

  /// Removes the file; nothing happens without one.
  func remove() { unlink(path) }

  private func opened() throws(StoreError) -> Int32 {
    let flags = O_CREAT | O_WRONLY | O_CLOEXEC | O_NOFOLLOW
    var descriptor = open(path, flags, 0o600)
    if descriptor < 0, errno == ENOENT, mkdir(folder, 0o700) == 0 || errno == EEXIST {
      descriptor = open(path, flags, 0o600)
    }
    guard descriptor >= 0 else { throw failure() }
    return descriptor
  }

  private func write(
    _ bytes: [UInt8], to descriptor: Int32, at start: Int
  ) throws(StoreError) {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes {
        pwrite(
          descriptor, $0.baseAddress.map { $0 + done }, bytes.count - done, off_t(start + done))
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw failure() }
      done += count
    }
  }

  private func failure() -> StoreError {
    StoreError(system: errno, file: path, operation: "keep the masked vector")
  }
}
