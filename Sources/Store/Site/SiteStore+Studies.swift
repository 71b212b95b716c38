import GRDB

extension SiteStore {
  /// Stores a newly proposed study with status `proposed`, and its audit entry.
  ///
  /// - Returns: `alreadyThere` when the same plan is stored under that id.
  /// - Throws: `conflict` when the id is taken by another plan: a plan never changes.
  @discardableResult
  public func propose(
    id: String, name: String, planText: String, planDigest: [UInt8], proposer: String
  ) async throws(StoreError) -> AppendOutcome {
    guard !id.isEmpty, id.utf8.count <= 200, planDigest.count <= 64, !planDigest.isEmpty else {
      throw StoreError(.invalidValue, "a study needs an id and a plan digest", file: path)
    }
    let time = database.clock()
    return try await database.write("store proposed study") { connection in
      if let stored = try SiteStudy.fetch(id, in: connection) {
        guard stored.planDigest == planDigest, stored.planText == planText else {
          throw StoreError(
            .conflict, "another plan is stored under this study's id", subject: "study \(id)")
        }
        return .alreadyThere
      }
      try connection.execute(
        sql: """
          INSERT INTO study (id, name, plan_text, plan_digest, status, proposed_at, updated_at)
          VALUES (?, ?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          id, name, planText, planDigest.blob, SiteStudyStatus.proposed.rawValue, time, time,
        ])
      try AuditLog.append(
        AuditNote(actor: proposer, action: "study-proposed", study: id, detail: name), at: time,
        to: connection)
      return .appended
    }
  }

  /// Stores the data steward's decision, for exactly the plan that was reviewed, with its audit
  /// entry.
  ///
  /// - Parameters:
  ///   - planDigest: the plan that the decider saw; `conflict` when another one is stored.
  ///   - signedDecision: the statement that goes to the aggregator, signed by the site.
  /// - Throws: `notFound`, `conflict`, `transitionRefused`.
  public func decide(
    _ id: String, planDigest: [UInt8], approved: Bool, by actor: String, reason: String? = nil,
    signedDecision: [UInt8]? = nil
  ) async throws(StoreError) {
    let time = database.clock()
    let status: SiteStudyStatus = approved ? .approved : .refused
    try await database.write("store decision") { connection in
      let study = try SiteStudy.require(id, in: connection)
      guard study.planDigest == planDigest else {
        throw StoreError(
          .conflict, "the decision is about another plan", subject: "study \(id)")
      }
      // Saying the same again renews the signed statement; it does not restart a running study.
      try Self.check(study, to: status, repeatable: true)
      try connection.execute(
        sql: """
          UPDATE study SET status = ?, decided_by = ?, decided_at = ?, reason = ?,
            signed_decision = ?, updated_at = ? WHERE id = ?
          """,
        arguments: [status.rawValue, actor, time, reason, signedDecision?.blob, time, id])
      try AuditLog.append(
        AuditNote(
          actor: actor, action: approved ? "study-approved" : "study-refused", study: id,
          detail: reason ?? ""), at: time, to: connection)
    }
    if status == .refused { MaskedVectorFile(beside: path, study: id).remove() }
  }

  /// Moves a study along (`running`, `finished`, `failed`), with its audit entry.
  ///
  /// - Parameter reason: why it failed, in constant text; of a finished study, the digest of what it froze.
  /// - Throws: `notFound`; `transitionRefused` when the change is not in
  ///   `SiteStudyStatus.successors`, as when a steward refused in the meantime.
  public func setStatus(
    _ id: String, to status: SiteStudyStatus, reason: String? = nil
  ) async throws(StoreError) {
    guard status != .approved, status != .refused, status != .proposed else {
      throw StoreError(
        .transitionRefused, "approving and refusing are decisions", subject: "study \(id)",
        file: path)
    }
    let time = database.clock()
    try await database.write("store study status") { connection in
      let study = try SiteStudy.require(id, in: connection)
      guard study.status != status else { return }
      try Self.check(study, to: status, repeatable: false)
      try connection.execute(
        sql: "UPDATE study SET status = ?, reason = ?, updated_at = ? WHERE id = ?",
        arguments: [status.rawValue, reason, time, id])
      try AuditLog.append(
        AuditNote(
          actor: "agent", action: "study-\(status.rawValue)", study: id, detail: reason ?? ""),
        at: time, to: connection)
    }
    if status == .finished { MaskedVectorFile(beside: path, study: id).remove() }
  }

  /// Stores the manifest, which may be replaced only together with a newer epoch's.
  public func storeManifest(_ manifest: [UInt8], study id: String) async throws(StoreError) {
    let time = database.clock()
    try await database.write("store manifest") { connection in
      _ = try SiteStudy.require(id, in: connection)
      try connection.execute(
        sql: "UPDATE study SET manifest = ?, updated_at = ? WHERE id = ?",
        arguments: [manifest.blob, time, id])
    }
  }

  /// The study; nil when there is none.
  public func study(_ id: String) async throws(StoreError) -> SiteStudy? {
    try await database.read("read study") { try SiteStudy.fetch(id, in: $0) }
  }

  /// All studies, oldest first; those of one status when it is given.
  public func studies(
    status: SiteStudyStatus? = nil
  ) async throws(StoreError) -> [SiteStudy] {
    try await database.read("read studies") { connection in
      try Row.fetchAll(
        connection,
        sql: "SELECT * FROM study WHERE ?1 IS NULL OR status = ?1 ORDER BY proposed_at, id",
        arguments: [status?.rawValue]
      ).map(SiteStudy.init(row:))
    }
  }

  private static func check(
    _ study: SiteStudy, to status: SiteStudyStatus, repeatable: Bool
  ) throws(StoreError) {
    if repeatable, study.status == status { return }
    guard study.status.successors.contains(status) else {
      throw StoreError(
        .transitionRefused,
        subject: "study \(study.id), \(study.status.rawValue) to \(status.rawValue)")
    }
  }
}
