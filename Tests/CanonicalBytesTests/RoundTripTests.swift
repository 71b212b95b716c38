import CanonicalBytes
import Testing

@Suite struct RoundTripTests {
  @Test func everyFieldComesBack() throws {
    var writer = ByteWriter()
    writer.integer(UInt16(0x1234))
    writer.integer(Int64.min)
    writer.double(-0.0)
    writer.boolean(true)
    writer.string("näme")
    writer.blob([1, 2, 3])
    writer.array([UInt8(4), 5]) { $0.integer($1) }
    writer.optional(UInt32(7)) { $0.integer($1) }
    writer.optional(UInt32?.none) { $0.integer($1) }
    var reader = ByteReader(writer.bytes)
    #expect(try reader.integer(UInt16.self) == 0x1234)
    #expect(try reader.integer(Int64.self) == .min)
    #expect(try reader.double().bitPattern == (-0.0).bitPattern)
    #expect(try reader.boolean())
    #expect(try reader.string() == "näme")
    #expect(try reader.blob() == [1, 2, 3])
    #expect(try reader.array { (r) throws(DecodingFault) in try r.integer(UInt8.self) } == [4, 5])
    #expect(try reader.optional { (r) throws(DecodingFault) in try r.integer(UInt32.self) } == 7)
    #expect(try reader.optional { (r) throws(DecodingFault) in try r.integer(UInt32.self) } == nil)
    try reader.finish()
  }

  @Test func littleEndian() {
    var writer = ByteWriter()
    writer.integer(UInt32(0x0102_0304))
    #expect(writer.bytes == [4, 3, 2, 1])
  }

  @Test func faultsAreNamed() {
    #expect(throws: DecodingFault(.truncated, at: 0)) {
      var reader = ByteReader([1])
      _ = try reader.integer(UInt32.self)
    }
    #expect(throws: DecodingFault(.tooLong, at: 0)) {
      var reader = ByteReader([255, 255, 255, 255, 0])
      _ = try reader.array { (r) throws(DecodingFault) in try r.integer(UInt8.self) }
    }
    #expect(throws: DecodingFault(.notCanonical, at: 0)) {
      var reader = ByteReader([2])
      _ = try reader.boolean()
    }
    #expect(throws: DecodingFault(.notCanonical, at: 0)) {
      var reader = ByteReader([1, 0, 0, 0, 0xFF])
      _ = try reader.string()
    }
    #expect(throws: DecodingFault(.trailingBytes, at: 0)) { try ByteReader([0]).finish() }
  }
}
