import GRPCNIOTransportHTTP2Posix

/// An IP address and a TCP port to listen on.
public struct ListeningAddress: Sendable, Hashable, CustomStringConvertible {
  /// An IPv4 or IPv6 address, such as `0.0.0.0` or `::1`.
  public var host: String
  /// 0 picks a free port.
  public var port: Int

  /// Makes the value.
  public init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  var socketAddress: GRPCNIOTransportCore.SocketAddress {
    host.contains(":") ? .ipv6(host: host, port: port) : .ipv4(host: host, port: port)
  }
}

extension GRPCNIOTransportCore.SocketAddress {
  var port: Int? { ipv4?.port ?? ipv6?.port }
}
