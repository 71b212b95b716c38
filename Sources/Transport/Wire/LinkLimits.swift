/// Limits that hold for every message, whatever a connection's own settings are.
enum LinkLimits {
  /// Largest message, in bytes: a chunk, or an envelope with body and inline payload.
  static let messageBytes = 2 << 20
}
