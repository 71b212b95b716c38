import CanonicalBytes
import Cryptography

extension Manifest {
  /// The canonical bytes of the body.
  public var bytes: [UInt8] {
    var writer = ByteWriter()
    writer.raw(Self.magic)
    writer.integer(Self.version)
    writer.integer(Self.suite)
    writer.string(studyIdentifier)
    writer.string(purpose)
    writer.string(aggregatorName)
    writer.raw(aggregatorKey.bytes)
    writer.array(Array(zip(everyone, roster))) {
      $0.integer($1.0)
      $0.string($1.1.siteName)
      $0.string($1.1.legalEntity)
      $0.raw($1.1.key.bytes)
    }
    writer.integer(UInt16(threshold))
    writer.integer(UInt16(minimumSites))
    writer.integer(UInt16(maximumColluders))
    writer.integer(UInt16(differencingFloor))
    writer.digest(programDigest)
    writer.string(encoding)
    writer.digest(privacyPlanDigest)
    writer.integer(roundLimit)
    writer.integer(epochRoundLimit)
    writer.integer(maximumVectorLength)
    writer.integer(firstEpoch)
    return writer.bytes
  }

  /// D_M: what every site signs.
  public var digest: Digest { Blake2b.hash(Labels.manifest, bytes) }

  /// Decodes and validates a body. Throws a decoding fault, `manifestInvalid` or
  /// `rosterInvalid`.
  public init(_ bytes: [UInt8]) throws(SecureAggregationError) {
    do {
      try self.init(decoding: bytes)
    } catch let fault as DecodingFault {
      throw SecureAggregationError(fault, naming: [])
    } catch let fault as SecureAggregationError {
      throw fault
    } catch {
      throw SecureAggregationError(.manifestInvalid)
    }
  }

  private init(decoding bytes: [UInt8]) throws {
    var reader = ByteReader(bytes)
    let magic = try reader.raw(4)
    let version = try reader.integer(UInt16.self)
    let suite = try reader.integer(UInt16.self)
    studyIdentifier = try reader.string()
    purpose = try reader.string()
    aggregatorName = try reader.string()
    aggregatorKey = try reader.verifyingKey()
    let entries = try reader.array(minimumBytes: 42) {
      reader throws(DecodingFault) -> (UInt16, Member) in
      let index = try reader.integer(UInt16.self)
      let name = try reader.string()
      let entity = try reader.string()
      let key = try reader.verifyingKey()
      return (index, Member(siteName: name, legalEntity: entity, key: key))
    }
    roster = entries.map(\.1)
    threshold = Int(try reader.integer(UInt16.self))
    minimumSites = Int(try reader.integer(UInt16.self))
    maximumColluders = Int(try reader.integer(UInt16.self))
    differencingFloor = Int(try reader.integer(UInt16.self))
    programDigest = try reader.digest()
    encoding = try reader.string()
    privacyPlanDigest = try reader.digest()
    roundLimit = try reader.integer()
    epochRoundLimit = try reader.integer()
    maximumVectorLength = try reader.integer()
    firstEpoch = try reader.integer()
    try reader.finish()
    try validate(indices: entries.map(\.0))
    guard magic == Self.magic, version == Self.version, suite == Self.suite else {
      throw SecureAggregationError(.manifestInvalid)
    }
  }
}

extension ByteReader {
  mutating func verifyingKey() throws(DecodingFault) -> VerifyingKey {
    let start = offset
    let bytes = try raw(VerifyingKey.byteCount)
    do throws(CryptographyError) {
      return try VerifyingKey(bytes)
    } catch {
      throw DecodingFault(.truncated, at: start)
    }
  }
}
