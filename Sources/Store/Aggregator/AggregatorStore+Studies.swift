import GRDB

extension AggregatorStore {
  /// Stores a submitted study with status `proposed`, and its audit entry.
  ///
  /// - Returns: `alreadyThere` when the same study is stored under that id.
  /// - Throws: `conflict` when the id is taken by another plan.
  @discardableResult
  public func propose(
    id: String, name: String, yaml: String, planDigest: [UInt8], proposer: String
  ) async throws(StoreError) -> AppendOutcome {
    guard !id.isEmpty, id.utf8.count <= 200, planDigest.count <= 64, !planDigest.isEmpty else {
      throw StoreError(.invalidValue, "a study needs an id and a plan digest", file: path)
    }
    let time = database.clock()
    return try await database.write("store proposed study") { connection in
      if let stored = try AggregatorStudy.fetch(id, in: connection) {
        guard stored.planDigest == planDigest, stored.yaml == yaml else {
          throw StoreError(
            .conflict, "another plan is stored under this study's id", subject: "study \(id)")
        }
        return .alreadyThere
      }
      try connection.execute(
        sql: """
          INSERT INTO study (id, name, yaml, plan_digest, status, proposer, proposed_at)
          VALUES (?, ?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          id, name, yaml, planDigest.blob, AggregatorStudyStatus.proposed.rawValue, proposer, time,
        ])
      try AuditLog.append(
        AuditNote(actor: proposer, action: "study-proposed", study: id, detail: name), at: time,
        to: connection)
      return .appended
    }
  }

  /// Moves a study along, with its audit entry. The same status again does nothing.
  ///
  /// - Parameter error: who and why, when it failed.
  /// - Throws: `notFound`, `transitionRefused`.
  public func setStatus(
    _ id: String, to status: AggregatorStudyStatus, error: String? = nil,
    by actor: String = "aggregator"
  ) async throws(StoreError) {
    let time = database.clock()
    try await database.write("store study status") { connection in
      let study = try AggregatorStudy.require(id, in: connection)
      guard study.status != status else { return }
      guard study.status.successors.contains(status) else {
        throw StoreError(
          .transitionRefused,
          subject: "study \(id), \(study.status.rawValue) to \(status.rawValue)")
      }
      let ended = status == .running || status == .proposed ? nil : time
      try connection.execute(
        sql: """
          UPDATE study SET status = ?, error = ?, finished_at = ?,
            started_at = CASE WHEN ? = 'running' THEN coalesce(started_at, ?) ELSE started_at END
          WHERE id = ?
          """,
        arguments: [status.rawValue, error, ended, status.rawValue, time, id])
      try AuditLog.append(
        AuditNote(
          actor: actor, action: "study-\(status.rawValue)", study: id, detail: error ?? ""),
        at: time, to: connection)
    }
  }

  /// The study; nil when there is none.
  public func study(_ id: String) async throws(StoreError) -> AggregatorStudy? {
    try await database.read("read study") { try AggregatorStudy.fetch(id, in: $0) }
  }

  /// All studies, oldest first; those of one status when it is given.
  public func studies(
    status: AggregatorStudyStatus? = nil
  ) async throws(StoreError) -> [AggregatorStudy] {
    try await database.read("read studies") { connection in
      try Row.fetchAll(
        connection,
        sql: "SELECT * FROM study WHERE ?1 IS NULL OR status = ?1 ORDER BY proposed_at, id",
        arguments: [status?.rawValue]
      ).map(AggregatorStudy.init(row:))
    }
  }

  /// Stores the manifest of the study's current epoch.
  public func storeManifest(_ manifest: [UInt8], study id: String) async throws(StoreError) {
    try await database.write("store manifest") { connection in
      _ = try AggregatorStudy.require(id, in: connection)
      try connection.execute(
        sql: "UPDATE study SET manifest = ? WHERE id = ?", arguments: [manifest.blob, id])
    }
  }

  /// Stores a site's signed decision; a later one of the same site takes its place.
  ///
  /// - Throws: `notFound` when the study or the site is not known.
  public func recordApproval(_ approval: Approval) async throws(StoreError) {
    let time = database.clock()
    try await database.write("store approval") { connection in
      _ = try AggregatorStudy.require(approval.study, in: connection)
      let stored = try Row.fetchOne(
        connection, sql: "SELECT * FROM approval WHERE study = ? AND site = ?",
        arguments: [approval.study, approval.site]
      ).map(Approval.init(row:))
      if let stored, stored.approved == approval.approved,
        stored.signedDecision == approval.signedDecision
      {
        return
      }
      try connection.execute(
        sql: """
          INSERT INTO approval VALUES (?, ?, ?, ?, ?) ON CONFLICT (study, site)
          DO UPDATE SET approved = excluded.approved,
            signed_decision = excluded.signed_decision, received_at = excluded.received_at
          """,
        arguments: [
          approval.study, approval.site, approval.approved ? 1 : 0,
          approval.signedDecision.blob, time,
        ])
      try AuditLog.append(
        AuditNote(
          actor: approval.site, action: approval.approved ? "study-approved" : "study-refused",
          study: approval.study), at: time, to: connection)
    }
  }

  /// The decisions on a study, by site name.
  public func approvals(study id: String) async throws(StoreError) -> [Approval] {
    try await database.read("read approvals") { connection in
      try Row.fetchAll(
        connection, sql: "SELECT * FROM approval WHERE study = ? ORDER BY site", arguments: [id]
      ).map(Approval.init(row:))
    }
  }
}
