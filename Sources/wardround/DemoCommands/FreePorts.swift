import Foundation

/// Ports of the loopback interface for a demo's aggregator.
enum FreePorts {
  /// Two ports that nobody listens on at this moment.
  static func pair() throws -> (Int, Int) {
    let first = try socketOnFreePort()
    let second = try socketOnFreePort()
    defer {
      close(first.descriptor)
      close(second.descriptor)
    }
    return (first.port, second.port)
  }

  private static func socketOnFreePort() throws -> (descriptor: Int32, port: Int) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
      }
    }
    guard descriptor >= 0, bound else {
      throw DemoProcesses.Failure(description: "no free port on the loopback interface")
    }
    return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
  }

  /// Waits until somebody listens on a port.
  static func waitUntilOpen(_ port: Int, deadline: Duration) async throws {
    let end = ContinuousClock.now + deadline
    while ContinuousClock.now < end {
      if isOpen(port) { return }
      try await Task.sleep(for: .milliseconds(50))
    }
    throw DemoProcesses.Failure(
      description: "the aggregator did not open port \(port) within \(deadline)")
  }

  private static func isOpen(_ port: Int) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }
}
