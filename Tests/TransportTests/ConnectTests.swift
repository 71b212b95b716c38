import Identity
import Testing
import Transport

@Suite(.serialized) struct ConnectTests {
  @Test func framesComeBackInOrder() async throws {
    let network = try TestNetwork()
    try await withServer(network) { _, port, _ in
      try await withSite(try await network.siteClient("alpha", port: port)) { probe in
        let connection = try await probe.connections.first()
        #expect(connection.peer == (try network.principal(.aggregator, "hub")))
        for index in 0..<200 {
          try await connection.send(
            Frame(kind: UInt16(index), study: "s", body: [UInt8](repeating: 7, count: index)))
        }
        for index in 0..<200 {
          let frame = try #require(try await connection.frames.next())
          #expect(frame.kind == UInt16(index) && frame.study == "s" && frame.body.count == index)
        }
      }
    }
  }
}
