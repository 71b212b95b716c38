/// Why the store could not do what was asked. Equality is on the code.
///
/// A store error never carries a patient value, a key or a token: only constant text, the file and
/// the name of the operation. Whatever the code, the write it belongs to left nothing behind: every
/// write is one transaction that is applied whole or not at all.
public struct StoreError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kinds of failure. The list may grow.
  public enum Code: String, Sendable, CaseIterable {
    // The machine.
    /// The disk, the quota or the page limit is full.
    case diskFull = "disk-full"
    /// The file or its folder cannot be written.
    case readOnly = "read-only"
    /// The file cannot be opened: missing folder, permission, or a folder of that name.
    case cannotOpen = "cannot-open"
    /// The operating system reported a read, write or sync failure.
    case inputOutput = "input-output"
    /// Another process kept the database locked for longer than the busy timeout.
    case locked
    /// The file's content is damaged, or a value is not of the type that was written.
    case corrupted
    /// The file is not a database, or not the store of this role.
    case notAStore = "not-a-store"
    /// The file was written by a newer version of the program.
    case newerVersion = "newer-version"

    // The rules of the store.
    /// Nothing is stored under that name.
    case notFound = "not-found"
    /// Something different is stored under that name, and it may not change.
    case conflict
    /// A study's answer would come from other data than its first one.
    case dataChanged = "data-changed"
    /// The change of state is not on the list of allowed changes.
    case transitionRefused = "transition-refused"
    /// A journal or transcript entry that would go backwards, leave a gap or break the chain.
    case outOfOrder = "out-of-order"
    /// A charge that the site's privacy budget does not allow.
    case budgetExhausted = "budget-exhausted"
    /// The invitation was used by somebody else.
    case invitationUsed = "invitation-used"
    /// The invitation's time is over.
    case invitationExpired = "invitation-expired"
    /// The certificate or the principal was revoked.
    case revoked
    /// A value is beyond what the store accepts.
    case invalidValue = "invalid-value"
    /// A failure that fits nothing above.
    case other
  }

  /// What kind of failure it is.
  public let code: Code
  /// What is wrong, in constant text.
  public let message: String
  /// Path of the database or anchor file; empty when no file is concerned.
  public let file: String
  /// What the store was asked to do, such as "advance round".
  public let operation: String
  /// The row or object concerned: a study, a round, an index. Never patient data.
  public let subject: String
  /// The primary and extended SQLite result code, 0 when SQLite was not the cause.
  public let databaseCode: Int32

  /// - Parameters:
  ///   - code: the kind of failure.
  ///   - message: constant text; the code's own sentence when nil.
  ///   - subject: the row or object concerned.
  public init(
    _ code: Code, _ message: String? = nil, subject: String = "", file: String = "",
    operation: String = "", databaseCode: Int32 = 0
  ) {
    self.code = code
    self.message = message ?? code.sentence
    self.subject = subject
    self.file = file
    self.operation = operation
    self.databaseCode = databaseCode
  }

  /// Equal when the codes are equal.
  public static func == (left: Self, right: Self) -> Bool { left.code == right.code }

  /// Whether the machine failed (its disk, its rights, a damaged file), and the same call can succeed when
  /// that is mended; false when the call broke a rule of the store.
  public var isOfTheMachine: Bool {
    switch code {
    case .diskFull, .readOnly, .cannotOpen, .inputOutput, .locked, .corrupted, .notAStore,
      .newerVersion, .other:
      true
    case .notFound, .conflict, .dataChanged, .transitionRefused, .outOfOrder, .budgetExhausted,
      .invitationUsed, .invitationExpired, .revoked, .invalidValue:
      false
    }
  }

  /// What an operator can do about it, in constant text; empty when there is nothing to do.
  public var remedy: String { code.remedy }

  /// What, where and what to do, on one line.
  public var description: String {
    var text = message
    if !subject.isEmpty { text += " [\(subject)]" }
    if !operation.isEmpty { text += ", during: \(operation)" }
    if !file.isEmpty { text += ", file: \(file)" }
    if databaseCode != 0 { text += ", SQLite code \(databaseCode)" }
    return remedy.isEmpty ? text : "\(text). \(remedy)"
  }

  /// The same error with the file and the operation filled in where they were left empty.
  func located(file: String, operation: String) -> StoreError {
    StoreError(
      code, message, subject: subject, file: self.file.isEmpty ? file : self.file,
      operation: self.operation.isEmpty ? operation : self.operation, databaseCode: databaseCode)
  }
}

extension StoreError.Code {
  /// One constant sentence per code.
  var sentence: String {
    switch self {
    case .diskFull: "the disk is full; nothing was written"
    case .readOnly: "the database cannot be written"
    case .cannotOpen: "the database cannot be opened"
    case .inputOutput: "the operating system could not read or write the database"
    case .locked: "another process keeps the database locked"
    case .corrupted: "the database is damaged"
    case .notAStore: "the file is not a store of this role"
    case .newerVersion: "the database was written by a newer version of this program"
    case .notFound: "there is no such entry"
    case .conflict: "a different entry is already stored and may not change"
    case .dataChanged: "the site's data changed after the study's first answer"
    case .transitionRefused: "the change of state is not allowed"
    case .outOfOrder: "the entry does not follow the one before it"
    case .budgetExhausted: "the privacy budget does not allow the release"
    case .invitationUsed: "the invitation was already used"
    case .invitationExpired: "the invitation has expired"
    case .revoked: "the certificate was revoked"
    case .invalidValue: "the value is outside what can be stored"
    case .other: "the store failed"
    }
  }

  /// One constant sentence per code that says what to do.
  var remedy: String {
    switch self {
    case .diskFull: "Free space on that disk, then start again; the state before is intact."
    case .readOnly: "Give the service's user write permission on the file and its folder."
    case .cannotOpen: "Check that the folder exists and that the service's user may read it."
    case .inputOutput: "Check the disk and the system log before going on."
    case .locked: "Stop the other process that uses this file, then try again."
    case .corrupted: "Stop the service, keep the file as evidence, restore the last backup."
    case .notAStore: "Name the database file of this role."
    case .newerVersion: "Install the newer version of the program."
    case .invitationUsed, .invitationExpired: "Ask the network's operator for a new invitation."
    case .revoked: "Ask the network's operator."
    default: ""
    }
  }
}
