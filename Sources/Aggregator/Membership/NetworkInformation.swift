import CanonicalBytes
import Identity

/// What a new member learns about the network when it joins, over the connection that the
/// invitation's pin authenticates, and keeps.
public struct NetworkInformation: Sendable, Hashable {
  /// Names the format and its version.
  public static let domain = "wardround/v1/network"

  /// The network's name.
  public var network: MemberName
  /// The aggregator's name in protocol messages.
  public var aggregator: MemberName
  /// The Ed25519 key of the aggregator's protocol messages, 32 bytes.
  public var protocolKey: [UInt8]
  /// The legal entity that the operator recorded for the new member; may be empty.
  public var legalEntity: String

  /// Makes the value.
  public init(
    network: MemberName, aggregator: MemberName, protocolKey: [UInt8], legalEntity: String
  ) {
    self.network = network
    self.aggregator = aggregator
    self.protocolKey = protocolKey
    self.legalEntity = legalEntity
  }

  /// Canonical bytes: strings `domain`, `network`, `aggregator`, the key as 32 raw bytes, and the
  /// legal entity as a string.
  public func encoded() -> [UInt8] {
    var writer = ByteWriter()
    writer.string(Self.domain)
    writer.string(network.text)
    writer.string(aggregator.text)
    writer.raw(protocolKey)
    writer.string(legalEntity)
    return writer.bytes
  }
}
