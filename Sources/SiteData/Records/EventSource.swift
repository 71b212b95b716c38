import Records

/// Records that can be read more than once: a file, a folder, a database.
public protocol EventSource: Sendable {
  /// What it is, for messages and progress.
  var name: String { get }
  /// How many bytes one pass reads from files, as they lie on the disk; nil where that cannot be said.
  var byteTotal: Int? { get }
  /// A reader that stands before the first record.
  func open() throws(SiteDataError) -> any EventReader
  /// The same for a reader that may pass over what a selection does not ask for; a source that cannot
  /// look records up hands out all.
  func open(selecting selection: RecordSelection) throws(SiteDataError) -> any EventReader
}

extension EventSource {
  public var byteTotal: Int? { nil }

  public func open(selecting selection: RecordSelection) throws(SiteDataError) -> any EventReader {
    try open()
  }
}

/// One pass over a source. Memory is one batch and the lexicon.
public protocol EventReader {
  /// Replaces the batch's events by the next ones and adds to its lexicon and report; false when
  /// there are none left.
  mutating func next(_ batch: inout EventBatch) throws(SiteDataError) -> Bool
}

/// Several sources, one after the other.
public struct CombinedSource: EventSource {
  public let sources: [any EventSource]

  public init(_ sources: [any EventSource]) { self.sources = sources }

  public var name: String { sources.map(\.name).joined(separator: ", ") }

  public var byteTotal: Int? {
    sources.reduce(0 as Int?) { sum, source in
      guard let sum, let own = source.byteTotal else { return nil }
      return sum + own
    }
  }

  public func open() throws(SiteDataError) -> any EventReader {
    Reader(remaining: Array(sources.reversed()))
  }

  public func open(selecting selection: RecordSelection) throws(SiteDataError) -> any EventReader {
    Reader(selection: selection, remaining: Array(sources.reversed()))
  }

  private struct Reader: EventReader {
    var selection: RecordSelection?
    var remaining: [any EventSource]
    var current: (any EventReader)?
    /// Bytes of the sources before, and of the one that is open.
    var bytesBefore = 0
    var ownTotal = 0

    mutating func next(_ batch: inout EventBatch) throws(SiteDataError) -> Bool {
      while true {
        if current != nil, try current?.next(&batch) == true {
          batch.byteCount += bytesBefore
          return true
        }
        bytesBefore += ownTotal
        ownTotal = 0
        guard let source = remaining.popLast() else {
          batch.events.removeAll(keepingCapacity: true)
          return false
        }
        batch.byteCount = 0
        ownTotal = source.byteTotal ?? 0
        if let selection {
          current = try source.open(selecting: selection)
        } else {
          current = try source.open()
        }
      }
    }
  }
}

extension EventSource {
  /// Reads the source once from beginning to end, or what a selection asks for. `body` gets every
  /// batch.
  public func forEachBatch<Failure: Error>(
    _ batch: inout EventBatch, selecting selection: RecordSelection? = nil,
    _ body: (EventBatch) throws(Failure) -> Void
  ) throws(SourceFailure<Failure>) {
    do {
      var reader: any EventReader
      if let selection {
        reader = try open(selecting: selection)
      } else {
        reader = try open()
      }
      while try reader.next(&batch) {
        do {
          try body(batch)
        } catch {
          throw SourceFailure<Failure>.consumer(error)
        }
      }
    } catch let error as SourceFailure<Failure> {
      throw error
    } catch let error as SiteDataError {
      throw .source(error)
    } catch {
      throw .source(
        SiteDataError(
          .unreadableFile, file: name, message: "reading stopped", advice: "try again"))
    }
  }
}

/// What ended a pass over a source.
public enum SourceFailure<Consumer: Error>: Error {
  case source(SiteDataError)
  case consumer(Consumer)
}
