import Dispatch
import Records

/// Reads the files of a ``DelimitedSource``: cuts them into blocks, has several parsed at a time and
/// puts the results together in the order of the files.
///
/// The events, their numbers, the report and the error, if there is one, are the same for every
/// number of threads and every size of the blocks: a block's records are parsed from its bytes alone,
/// and what depends on the blocks before (numbers, lines, the number of records that may be left out)
/// is settled here, in order. A block inside whose first line a quoted field of the block before ends
/// is parsed again with the beginning of that record before it.
///
/// The calling thread reads the files and parses, too, whenever the next block is not ready; it waits
/// only for a block that another thread is parsing. Memory is the blocks under way, two for each
/// thread, and the lexicon.
final class DelimitedReader: EventReader {
  /// Events per batch, at least, but for the last.
  static let batchSize = 8192

  private let source: DelimitedSource
  private let name: String
  private let helpers: [DispatchQueue]
  private var feed: DelimitedFeed
  /// Blocks under way, in their order.
  private var jobs: [ParseJob] = []
  private var jobCount = 0
  /// Why the feed ended, to be said behind the blocks before.
  private var failure: SiteDataError?
  private var isFed = false
  private var codes = CodeCache()
  /// Codes and units of a wide file's columns.
  private var wide: [(code: Int32, unit: Int32)] = []
  private var fileSubject: Int32 = -1
  /// Line of the file on which the next block begins.
  private var nextLine = 1
  /// The beginning of a record that ends in the next block.
  private var unfinished: [UInt8] = []
  private var spareBytes: [[UInt8]] = []
  private var spareEvents: [[Event]] = []

  init(_ source: DelimitedSource) {
    self.source = source
    name = source.name
    feed = DelimitedFeed(source)
    helpers = (1..<min(max(source.threads, 1), DelimitedSource.maximumThreads)).map {
      DispatchQueue(label: "wardround.records.\($0)")
    }
  }

  deinit { for job in jobs { job.cancel() } }

  func next(_ batch: inout EventBatch) throws(SiteDataError) -> Bool {
    batch.events.removeAll(keepingCapacity: true)
    while batch.events.count < Self.batchSize, let (block, events) = try parsed() {
      try take(block, events, &batch)
    }
    batch.report.eventCount += batch.events.count
    batch.byteCount = feed.byteCount
    return !batch.events.isEmpty
  }

  /// The next block with its events; nil behind the last.
  private func parsed() throws(SiteDataError) -> (DelimitedBlock, DelimitedEvents)? {
    startJobs()
    guard !jobs.isEmpty else {
      if let failure { throw failure }
      return nil
    }
    let job = jobs.removeFirst()
    if !job.run() {
      // Another thread is at it: this one goes on with a later block meanwhile.
      while !job.isDone, jobs.contains(where: { $0.run() }) {}
    }
    return job.take()
  }

  private func startJobs() {
    let limit = helpers.isEmpty ? 1 : 2 * (helpers.count + 1)
    while !isFed, jobs.count < limit {
      do throws(SiteDataError) {
        guard let block = try feed.next(reusing: spareBytes.popLast()) else {
          isFed = true
          return
        }
        let job = ParseJob(block, reusing: spareEvents.popLast() ?? [])
        jobs.append(job)
        if !helpers.isEmpty {
          helpers[jobCount % helpers.count].async { job.run() }
          jobCount += 1
        }
      } catch {
        failure = error
        isFed = true
      }
    }
  }

  /// Adds what a block says to the batch.
  private func take(
    _ block: DelimitedBlock, _ parsed: DelimitedEvents, _ batch: inout EventBatch
  ) throws(SiteDataError) {
    var block = block
    var events = parsed
    if block.opensFile {
      nextLine = block.firstLine
      unfinished = []
      try open(block, &batch.lexicon)
    } else if !unfinished.isEmpty || events.failure != nil {
      block.bytes.insert(contentsOf: unfinished, at: 0)
      block.firstLine = nextLine
      unfinished = []
      events = block.parsed()
    }
    let lineOffset = nextLine - block.firstLine
    nextLine += events.lineCount
    if events.recordCount > 0 { batch.report.rows[name, default: 0] += events.recordCount }
    batch.report.zonedTimeCount += events.zonedTimeCount
    batch.report.localTimeCount += events.localTimeCount
    batch.report.dateOnlyCount += events.dateOnlyCount
    for (line, fault) in events.faults {
      try batch.report.leaveOut(fault, file: block.file, line: line + lineOffset, source.policy)
    }
    if let failure = events.failure { throw failure }
    if !block.isLast, events.end < block.bytes.count {
      unfinished = Array(block.bytes[events.end...])
    }
    try number(&events, &batch.lexicon)
    if batch.events.isEmpty {
      swap(&batch.events, &events.events)
    } else {
      batch.events.append(contentsOf: events.events)
    }
    spareEvents.append(events.events)
    spareBytes.append(block.bytes)
  }

  private func open(
    _ block: DelimitedBlock, _ lexicon: inout Lexicon
  ) throws(SiteDataError) {
    if case .fileName = source.mapping.subject {
      guard let number = lexicon.subjects.index(block.stem) else { throw full() }
      fileSubject = number
    }
    guard case .wide(let columns) = source.mapping.layout else { return }
    wide = []
    for column in columns {
      let unit = (column.unit ?? source.mapping.units[column.code])
        .flatMap { lexicon.units.index($0) }
      let name = DiagnosisCode.normalised(column.code)
      guard let code = lexicon.codes.index(name) else { throw full() }
      wide.append((code, unit ?? Lexicon.none))
    }
  }

  /// Replaces the numbers of the block by those of the lexicon.
  private func number(
    _ block: inout DelimitedEvents, _ lexicon: inout Lexicon
  ) throws(SiteDataError) {
    let hasSubjects = if case .column = source.mapping.subject { true } else { false }
    let own = hasSubjects ? lexicon.subjects.indices(adding: block.subjects) : [fileSubject]
    guard let subjects = own else { throw full() }
    var codes = wide
    var units: [Int32] = []
    for appearance in block.appearances {
      switch appearance {
      case .code(let code):
        let found = block.codes.withBytes(of: code) {
          self.codes.look($0, source.mapping, &lexicon)
        }
        guard let found else { throw full() }
        codes.append(found)
      case .unit(let unit):
        guard let found = block.units.withBytes(of: unit, { lexicon.units.index($0) }) else {
          throw full()
        }
        units.append(found)
      }
    }
    var isFull = false
    block.events.withUnsafeMutableBufferPointer { events in
      for position in events.indices {
        let event = events[position]
        events[position].subject = subjects[Int(event.subject)]
        let (code, unit) = codes[Int(event.code)]
        events[position].code = code
        events[position].unit = event.unit >= 0 ? units[Int(event.unit)] : unit
        guard event.text >= 0 else { continue }
        // Kept only where somebody reads the words of this code.
        let word = block.texts.withBytes(of: event.text) {
          lexicon.word($0, of: CollectionOfOne(code))
        }
        events[position].text = word ?? Lexicon.none
        isFull = isFull || word == nil
      }
    }
    if isFull { throw full() }
  }

  private func full() -> SiteDataError {
    SiteDataError(
      .recordTooLarge, file: name, message: "there are too many different texts",
      advice: "split the file")
  }
}
