import CanonicalBytes
import Cryptography
import FixedPoint

/// A part of every site's privacy noise that comes off the sum when enough sites are in it
/// (protocol/README.md §5). A site adds it to its vector before it hands the vector in; it has a seed
/// of its own at each site.
public struct NoiseLayer: Sendable, Hashable {
  /// A round has at most this many.
  public static let maximumCount = 8
  /// Largest variance, in lattice units².
  public static let maximumVariance: UInt64 = 1 << 62
  /// A seed's length.
  public static let seedByteCount = 32

  /// The largest |U2| at which the layer stays in the sum. With more sites its seeds are revealed and
  /// its noise is subtracted.
  public let largestSurvivorCount: UInt16
  /// Variance of the layer's noise at each site, in lattice units²: 1 … 2^62.
  public let variance: UInt64

  public init(largestSurvivorCount: UInt16, variance: UInt64) {
    self.largestSurvivorCount = largestSurvivorCount
    self.variance = variance
  }

  /// Whether the layer comes off a sum over so many sites.
  func isRemoved(survivorCount: Int) -> Bool { survivorCount > Int(largestSurvivorCount) }

  /// Limits strictly descending, variances in range, at most `maximumCount`.
  static func areValid(_ layers: [NoiseLayer]) -> Bool {
    layers.count <= maximumCount
      && layers.allSatisfy { 1...maximumVariance ~= $0.variance }
      && zip(layers, layers.dropFirst()).allSatisfy {
        $0.largestSurvivorCount > $1.largestSurvivorCount
      }
  }

  /// c_ik: what Masked says of a seed before it is revealed.
  static func commitment(
    to seed: UnsafeRawBufferPointer, layer: Int, site: UInt16, round: Digest
  ) -> Digest {
    var hash = Blake2b(Labels.layer)
    hash.part(round)
    hash.part(integer: site)
    hash.part(integer: UInt16(truncatingIfNeeded: layer))
    hash.part(seed)
    return hash.finish()
  }

  /// layersDigest: all commitments of U2, site by site.
  static func digest(of commitments: [Digest]) -> Digest {
    var writer = ByteWriter(reservingCapacity: Digest.byteCount * commitments.count)
    for commitment in commitments { writer.digest(commitment) }
    return Blake2b.hash(Labels.layers, writer.bytes)
  }
}

/// Draws the noise of layers: the sum, coordinate by coordinate, of `count` draws of the discrete
/// Gaussian of each variance (lattice units²) from its 32-byte seed in the table `seeds`
/// (protocol/README.md §20). It must give the same integers at every party. This library knows nothing
/// of distributions; the sampler is handed in.
public typealias LayerNoise =
  @Sendable (_ seeds: SecretBytes, _ variances: [UInt64], _ count: Int) throws -> [Int64]

/// Layers whose seeds were revealed: what a `LayerNoise` draws again.
struct RevealedLayers {
  /// One after the other, 32 bytes each.
  var seeds: [UInt8] = []
  var variances: [UInt64] = []
  var isEmpty: Bool { variances.isEmpty }

  func noise(_ sampler: LayerNoise, count: Int) throws -> [Int64] {
    let table = seeds.withUnsafeBytes { SecretBytes(copying: $0) }
    return try sampler(table, variances, count)
  }
}

/// What Result says of one site's seed of one layer.
struct LayerRecord: Sendable, Hashable {
  static let byteCount = 1 + NoiseLayer.seedByteCount

  /// Whether the noise was taken off the sum; the value is the seed then, otherwise its commitment.
  let isRemoved: Bool
  let value: [UInt8]

  init(isRemoved: Bool, value: [UInt8]) {
    self.isRemoved = isRemoved
    self.value = value
  }

  init(from reader: inout ByteReader) throws(DecodingFault) {
    isRemoved = try reader.boolean()
    value = try reader.raw(NoiseLayer.seedByteCount)
  }

  func write(to writer: inout ByteWriter) {
    writer.boolean(isRemoved)
    writer.raw(value)
  }

  func commitment(layer: Int, site: UInt16, round: Digest) -> Digest {
    guard isRemoved else { return (try? Digest(value)) ?? .zero }
    return value.withUnsafeBytes {
      NoiseLayer.commitment(to: $0, layer: layer, site: site, round: round)
    }
  }
}

/// What was removed from a sum, by site: a view of Result's records (sites × layers).
struct LayerRecords: Sendable, Hashable {
  let members: [UInt16]
  let layerCount: Int
  let records: [LayerRecord]

  /// Nil unless there is one record per member and layer.
  init?(_ records: [LayerRecord], members: [UInt16], layerCount: Int) {
    guard records.count == members.count * layerCount else { return nil }
    self.records = records
    self.members = members
    self.layerCount = layerCount
  }

  /// No layers.
  init(members: [UInt16], layerCount: Int) {
    self.members = members
    self.layerCount = layerCount
    records = []
  }

  /// Calls `body` with site, layer and record, in order.
  func forEach(_ body: (UInt16, Int, LayerRecord) -> Void) {
    for (position, record) in records.enumerated() {
      body(members[position / layerCount], position % layerCount, record)
    }
  }

  /// The commitments of U2, in order: of a revealed seed, what it should have been.
  func commitments(round: Digest) -> [Digest] {
    var all: [Digest] = []
    forEach { all.append($2.commitment(layer: $1, site: $0, round: round)) }
    return all
  }

  /// The seeds whose noise is off the sum.
  func revealed(of layers: [NoiseLayer]) -> RevealedLayers {
    var all = RevealedLayers()
    forEach { _, layer, record in
      guard record.isRemoved, layers.indices.contains(layer) else { return }
      all.seeds += record.value
      all.variances.append(layers[layer].variance)
    }
    return all
  }

  /// Positions of the removed layers by site; sites without any are left out.
  var removed: [UInt16: [Int]] {
    var all: [UInt16: [Int]] = [:]
    forEach { site, layer, record in if record.isRemoved { all[site, default: []].append(layer) } }
    return all
  }

  /// Only layers that come off with so many sites, and only of sites that acknowledged this set.
  func isPermitted(layers: [NoiseLayer], acknowledged: Set<UInt16>) -> Bool {
    var permitted = true
    forEach { site, layer, record in
      guard record.isRemoved else { return }
      if !layers[layer].isRemoved(survivorCount: members.count) || !acknowledged.contains(site) {
        permitted = false
      }
    }
    return permitted
  }
}

extension ByteReader {
  /// `trailing<T>` (§1): nothing, or an array with at least one element, as the end of a body.
  mutating func trailing<Element>(
    minimumBytes: Int, _ body: (inout ByteReader) throws(DecodingFault) -> Element
  ) throws(DecodingFault) -> [Element] {
    guard remaining > 0 else { return [] }
    let start = offset
    let elements = try array(minimumBytes: minimumBytes, body)
    guard !elements.isEmpty else { throw DecodingFault(.notCanonical, at: start) }
    return elements
  }

  mutating func trailingDigests() throws(DecodingFault) -> [Digest] {
    try trailing(minimumBytes: Digest.byteCount) { reader throws(DecodingFault) in
      try reader.digest()
    }
  }
}

extension ByteWriter {
  mutating func trailing<Element>(
    _ elements: [Element], _ body: (inout ByteWriter, Element) -> Void
  ) {
    if !elements.isEmpty { array(elements, body) }
  }
}

extension RingVector {
  /// The words of `noise` behind a constant coordinate of 0.
  init(noise: [Int64], width: RingWidth) {
    self.init(zeros: noise.count + 1, width: width)
    _ = add(noise: noise, subtracting: false)
  }

  /// Adds (or subtracts) integers to the coordinates behind the constant one, modulo 2^w. False, and
  /// nothing changed, when their number differs.
  mutating func add(noise: [Int64], subtracting: Bool) -> Bool {
    guard noise.count == count - 1 else { return false }
    switch self {
    case .bits32(var words):
      self = .bits32([])  // keeps `words` uniquely referenced, so that it is changed in place
      for (index, value) in noise.enumerated() {
        let word = UInt32(truncatingIfNeeded: value)
        words[index + 1] = subtracting ? words[index + 1] &- word : words[index + 1] &+ word
      }
      self = .bits32(words)
    case .bits64(var words):
      self = .bits64([])
      for (index, value) in noise.enumerated() {
        let word = UInt64(bitPattern: value)
        words[index + 1] = subtracting ? words[index + 1] &- word : words[index + 1] &+ word
      }
      self = .bits64(words)
    }
    return true
  }
}
