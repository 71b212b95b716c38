import Records

/// Cuts the files of a source into blocks, in their order. Reads each file once, from its beginning
/// to its end.
///
/// A block ends behind a line end, wherever the last one lies: inside quotes it is no record's end,
/// which shows when the block is parsed.
struct DelimitedFeed {
  private let source: DelimitedSource
  private var fileNumber = 0
  private var input: InputBytes?
  private var layout: DelimitedLayout?
  /// What was read and is in no block yet.
  private var rest: [UInt8] = []
  private var isAtEnd = false
  private var bytesBefore = 0

  /// Bytes read so far of all files, as they lie on the disk.
  var byteCount: Int { bytesBefore + (input?.offset ?? 0) }

  init(_ source: DelimitedSource) { self.source = source }

  /// The next block, whose bytes may lie in `spare`; nil behind the last file. Throws when a file
  /// cannot be read or is not what the mapping says.
  mutating func next(reusing spare: [UInt8]?) throws(SiteDataError) -> DelimitedBlock? {
    guard fileNumber < source.files.count else { return nil }
    let path = source.files[fileNumber]
    let file = FileNaming.file(
      fileNumber, of: source.files, isPatient: source.mapping.subject == .fileName)
    var start = 0
    var firstLine = 1
    let opensFile = input == nil
    if opensFile { (start, firstLine) = try open(path, file) }
    guard let layout else { return nil }
    var cut: Int?
    var searched = start
    var wanted = start + max(1, source.blockBytes)
    while true {
      try fill(wanted)
      if isAtEnd { break }
      cut = lineEnd(behind: searched)
      // A record without any line end is longer than a record may be: the parser says so.
      if cut == nil, rest.count - start > RecordWalk.maximumRecordBytes + 2 { cut = rest.count }
      if cut != nil { break }
      // A CR at the end may be half a line end.
      searched = max(start, rest.count - 1)
      wanted = 2 * rest.count
    }
    var bytes = rest
    rest = spare ?? []
    rest.removeAll(keepingCapacity: true)
    if let cut {
      rest.append(contentsOf: bytes[cut...])
      bytes.removeSubrange(cut...)
    }
    let block = DelimitedBlock(
      file: file, stem: DelimitedSource.stem(path), delimiter: source.mapping.delimiter,
      layout: layout,
      bytes: bytes, start: start, isLast: cut == nil, opensFile: opensFile, firstLine: firstLine)
    if cut == nil {
      bytesBefore += input?.offset ?? 0
      input = nil
      self.layout = nil
      fileNumber += 1
    }
    return block
  }

  /// Opens a file, which messages call `file`, and reads its header. Returns where the records begin.
  private mutating func open(
    _ path: String, _ file: String
  ) throws(SiteDataError) -> (position: Int, line: Int) {
    input = try InputBytes(path: path, name: file)
    isAtEnd = false
    rest.removeAll(keepingCapacity: true)
    try fill(1 << 12)
    var walk = RecordWalk(file: file, delimiter: source.mapping.delimiter)
    walk.position = try RecordScanner.markLength(rest.prefix(3), file: file)
    while true {
      let step = rest.withUnsafeBufferPointer { bytes in
        Result { () throws(SiteDataError) in try walk.next(in: bytes, isAtEnd: isAtEnd) }
      }
      if try step.get() == .record { break }
      guard !isAtEnd else {
        throw SiteDataError(
          .emptyFile, file: file, message: "the file is empty",
          advice: "it should begin with a line of column names")
      }
      try fill(rest.count + 1 << 16)
    }
    let names = rest.withUnsafeBufferPointer { bytes in
      walk.withRecord(in: bytes) { record in
        (0..<walk.fieldCount).map { String(validating: record[$0], as: UTF8.self)?.trimmed ?? "" }
      }
    }
    layout = try DelimitedLayout(source.mapping, names: names, file: file)
    return (walk.position, walk.nextLine)
  }

  /// Reads on until there are `count` bytes, or no more.
  private mutating func fill(_ count: Int) throws(SiteDataError) {
    guard let input, !isAtEnd, rest.count < count else { return }
    var filled = rest.count
    rest.append(contentsOf: repeatElement(0, count: count - filled))
    while filled < count, !isAtEnd {
      let read = rest.withUnsafeMutableBytes { bytes in
        Result { () throws(SiteDataError) in
          try input.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[filled...]))
        }
      }
      let more = try read.get()
      filled += more
      isAtEnd = more == 0
    }
    rest.removeSubrange(filled...)
  }

  /// Behind the last LF, or the last CR that no LF can follow, after `start`.
  private func lineEnd(behind start: Int) -> Int? {
    var position = rest.count
    while position > start {
      if rest[position - 1] == 10 { return position }
      position -= 1
    }
    position = rest.count - 1
    while position > start {
      if rest[position - 1] == 13 { return position }
      position -= 1
    }
    return nil
  }
}
