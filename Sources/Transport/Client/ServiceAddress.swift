import GRPCNIOTransportHTTP2Posix

/// A host name or IP address and a TCP port to connect to.
public struct ServiceAddress: Sendable, Hashable, CustomStringConvertible {
  /// A DNS name, an IPv4 or an IPv6 address.
  public var host: String
  /// 1 to 65535.
  public var port: Int

  /// Makes the value.
  public init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  var target: any ResolvableTarget {
    if host.contains(":") { return .ipv6(address: host, port: port) }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    let isIPv4 = parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    return isIPv4 ? .ipv4(address: host, port: port) : .dns(host: host, port: port)
  }
}
