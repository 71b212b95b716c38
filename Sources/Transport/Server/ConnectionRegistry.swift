import Identity
import Synchronization

/// Who is connected to the server: one stream per site, and the TCP connections of every member.
final class ConnectionRegistry: Sendable {
  private struct State {
    var sites: [Principal: StreamConnection] = [:]
    var addresses: [Principal: Set<String>] = [:]
    var isStopping = false
  }

  private let state = Mutex(State())
  let channels = ChannelTable()

  /// Remembers which address a member calls from.
  func note(_ principal: Principal, at address: String) {
    state.withLock { _ = $0.addresses[principal, default: []].insert(address) }
  }

  /// Forgets an address whose connection has closed.
  func forget(address: String) {
    state.withLock { state in
      for (principal, var addresses) in state.addresses where addresses.contains(address) {
        addresses.remove(address)
        state.addresses[principal] = addresses.isEmpty ? nil : addresses
      }
    }
  }

  /// Makes a connection its site's only one. The older connection wins while it is alive: a stolen
  /// or copied identity cannot push out the agent that is at work.
  ///
  /// - Throws: `duplicateIdentity`, `shuttingDown`.
  func insertIfAbsent(_ connection: StreamConnection) throws(TransportError) {
    let refusal = state.withLock { state -> TransportError? in
      if state.isStopping { return TransportError(.shuttingDown) }
      if let older = state.sites[connection.peer], older.closeReason == nil {
        return TransportError(
          .duplicateIdentity, subject: connection.peer.description,
          detail: "site \(connection.peer.name) is connected already; stop the other agent first")
      }
      state.sites[connection.peer] = connection
      return nil
    }
    if let refusal { throw refusal }
  }

  /// Removes a connection that has ended.
  func remove(_ connection: StreamConnection) {
    state.withLock { state in
      if state.sites[connection.peer] === connection { state.sites[connection.peer] = nil }
    }
  }

  /// The members that are connected as sites.
  var connectedSites: [Principal] {
    state.withLock { $0.sites.filter { $0.value.closeReason == nil }.map(\.key) }
  }

  /// Ends everything of a member at once: its stream with a goodbye, which has a moment to leave,
  /// then all its TCP connections. Whoever comes back is stopped by the handshake's check, which the
  /// caller has changed before.
  func revoke(_ principal: Principal) {
    let (connection, addresses) = state.withLock { state in
      (state.sites[principal], state.addresses[principal] ?? [])
    }
    connection?.close(TransportError(.revoked, subject: principal.description))
    for address in addresses { channels.cut(address, after: .milliseconds(200)) }
  }

  /// Closes all streams and refuses new ones.
  func closeAll(_ reason: TransportError) {
    let connections = state.withLock { state in
      state.isStopping = true
      return Array(state.sites.values)
    }
    for connection in connections { connection.close(reason) }
  }

  /// Accepts streams again.
  func reopen() { state.withLock { $0.isStopping = false } }
}
