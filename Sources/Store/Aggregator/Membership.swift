import GRDB

/// A one-time, expiring permission to join the network under one name.
public struct Invitation: Sendable, Equatable {
  /// Hash of the token; the token itself is never stored.
  public var tokenHash: [UInt8]
  /// Name of the site or person invited.
  public var principal: String
  /// `site`, `researcher` or `operator`.
  public var role: String
  /// The legal entity behind the principal, as the roster will state it.
  public var legalEntity: String
  /// Seconds since 1970-01-01 UTC.
  public var createdAt: Double
  /// From this second on it is refused. Seconds since 1970-01-01 UTC.
  public var expiresAt: Double
  /// When it was used, nil until then. Seconds since 1970-01-01 UTC.
  public var usedAt: Double?

  public init(
    tokenHash: [UInt8], principal: String, role: String, legalEntity: String = "",
    createdAt: Double = 0, expiresAt: Double, usedAt: Double? = nil
  ) {
    self.tokenHash = tokenHash
    self.principal = principal
    self.role = role
    self.legalEntity = legalEntity
    self.createdAt = createdAt
    self.expiresAt = expiresAt
    self.usedAt = usedAt
  }
}

/// A certificate that the network's CA issued.
public struct CertificateRecord: Sendable, Equatable {
  /// Serial number in hexadecimal, as the certificate states it.
  public var serial: String
  public var principal: String
  /// `site`, `researcher` or `operator`.
  public var role: String
  /// Digest of the certified public key.
  public var keyDigest: [UInt8]
  /// The certificate, as it goes back to its owner (DER or PEM).
  public var encoded: [UInt8]
  /// Seconds since 1970-01-01 UTC.
  public var issuedAt: Double
  /// Seconds since 1970-01-01 UTC.
  public var notAfter: Double

  public init(
    serial: String, principal: String, role: String, keyDigest: [UInt8], encoded: [UInt8],
    issuedAt: Double, notAfter: Double
  ) {
    self.serial = serial
    self.principal = principal
    self.role = role
    self.keyDigest = keyDigest
    self.encoded = encoded
    self.issuedAt = issuedAt
    self.notAfter = notAfter
  }
}

/// A certificate taken back before its end.
public struct Revocation: Sendable, Equatable {
  public var serial: String
  public var principal: String
  /// Seconds since 1970-01-01 UTC.
  public var revokedAt: Double
  public var revokedBy: String
  public var reason: String
}

/// A hospital in the network.
public struct SiteRecord: Sendable, Equatable {
  public var name: String
  public var legalEntity: String
  /// The site's Ed25519 public key for protocol messages.
  public var signingKey: [UInt8]
  /// Seconds since 1970-01-01 UTC; filled in by the store.
  public var joinedAt: Double
  /// When a message of it last arrived. Seconds since 1970-01-01 UTC.
  public var lastSeenAt: Double?
  /// When it was revoked, nil while it is a member. Seconds since 1970-01-01 UTC.
  public var revokedAt: Double?

  public init(
    name: String, legalEntity: String, signingKey: [UInt8], joinedAt: Double = 0,
    lastSeenAt: Double? = nil, revokedAt: Double? = nil
  ) {
    self.name = name
    self.legalEntity = legalEntity
    self.signingKey = signingKey
    self.joinedAt = joinedAt
    self.lastSeenAt = lastSeenAt
    self.revokedAt = revokedAt
  }
}

/// What became of an attempt to use an invitation.
public enum InvitationOutcome: Sendable, Equatable {
  /// It was used now; the certificate of the call is recorded and may be handed out.
  case accepted
  /// The same key used it before, as after a lost reply: hand out this certificate, not the new one.
  case acceptedBefore(CertificateRecord)
}

extension Invitation {
  init(row: Row) throws {
    self.init(
      tokenHash: try row.bytes("token_hash"), principal: try row.text("principal"),
      role: try row.text("role"), legalEntity: try row.text("legal_entity"),
      createdAt: try row.real("created_at"), expiresAt: try row.real("expires_at"),
      usedAt: try row.realIfPresent("used_at"))
  }
}

extension CertificateRecord {
  init(row: Row) throws {
    self.init(
      serial: try row.text("serial"), principal: try row.text("principal"),
      role: try row.text("role"), keyDigest: try row.bytes("key_digest"),
      encoded: try row.bytes("encoded"), issuedAt: try row.real("issued_at"),
      notAfter: try row.real("not_after"))
  }

  static func fetch(_ serial: String, in connection: Database) throws -> CertificateRecord? {
    try Row.fetchOne(
      connection, sql: "SELECT * FROM certificate WHERE serial = ?", arguments: [serial]
    ).map(CertificateRecord.init(row:))
  }

  func insert(into connection: Database) throws {
    try connection.execute(
      sql: "INSERT INTO certificate VALUES (?, ?, ?, ?, ?, ?, ?)",
      arguments: [serial, principal, role, keyDigest.blob, encoded.blob, issuedAt, notAfter])
  }
}

extension SiteRecord {
  init(row: Row) throws {
    self.init(
      name: try row.text("name"), legalEntity: try row.text("legal_entity"),
      signingKey: try row.bytes("signing_key"), joinedAt: try row.real("joined_at"),
      lastSeenAt: try row.realIfPresent("last_seen_at"),
      revokedAt: try row.realIfPresent("revoked_at"))
  }

  /// Inserts the site, or renews the key of one that joins again.
  func join(at time: Double, in connection: Database) throws {
    try connection.execute(
      sql: """
        INSERT INTO site (name, legal_entity, signing_key, joined_at) VALUES (?, ?, ?, ?)
        ON CONFLICT (name) DO UPDATE SET legal_entity = excluded.legal_entity,
          signing_key = excluded.signing_key, joined_at = excluded.joined_at, revoked_at = NULL
        """, arguments: [name, legalEntity, signingKey.blob, time])
  }
}
