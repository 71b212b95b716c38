import BenchmarkSupport
import MachineFloor

/// What the machine itself needs for the bytes of a round, measured beside the round.
struct Floor {
  /// Seconds of one keystream added to the vector, from a run over as many keys as a site has.
  private(set) var keystream: [Int: Double] = [:]
  /// Seconds of one vector added to another.
  private(set) var addition = 0.0
  /// Seconds of the tag's keystream: eight bytes an element.
  private(set) var tagKeystream = 0.0
  /// Seconds of hashing one vector's bytes.
  private(set) var hash = 0.0

  private var samples: [String: [Double]] = [:]
  private var vector: [UInt32]
  private let addend: [UInt32]

  init(length: Int) {
    vector = [UInt32](repeating: 1, count: length)
    addend = vector
  }

  /// Measures everything once more; the medians of all calls count.
  mutating func measure(keyCount: Int) throws {
    try note("keys-\(keyCount)") { vector in
      vector.withUnsafeMutableBufferPointer {
        floor_add_keystreams($0.baseAddress, $0.count, Int32(keyCount)) == 0
      }
    }
    let addend = addend
    for _ in 0..<3 {
      try note("add") { vector in
        vector.withUnsafeMutableBufferPointer {
          floor_add_vector($0.baseAddress, addend, $0.count)
        }
        return true
      }
    }
    let byteCount = addend.count * 8
    try note("tag") { _ in floor_keystream(byteCount) == 0 }
    try note("hash") { vector in
      vector.withUnsafeBytes { bytes in
        var digest = [UInt8](repeating: 0, count: 32)
        return floor_hash(&digest, bytes.baseAddress, bytes.count) == 0
      }
    }
    keystream[keyCount] = (samples["keys-\(keyCount)"] ?? []).median / Double(keyCount)
    addition = (samples["add"] ?? []).median
    tagKeystream = (samples["tag"] ?? []).median
    hash = (samples["hash"] ?? []).median
  }

  private mutating func note(_ name: String, _ body: (inout [UInt32]) -> Bool) throws {
    var isDone = false
    let seconds = CPUClock.measure { isDone = body(&vector) }
    guard isDone else { throw Problem("OpenSSL or libsodium refused") }
    samples[name, default: []].append(seconds)
  }
}
