import CanonicalBytes

extension ValuePerformance {
  /// Appends the canonical encoding: independent numbers only.
  func write(to writer: inout ByteWriter) {
    switch self {
    case .numbers(let numbers):
      writer.boolean(false)
      writer.integer(Int64(numbers.rowCount))
      writer.double(numbers.meanObserved)
      writer.double(numbers.meanPredicted)
      writer.double(numbers.meanAbsoluteError)
      writer.double(numbers.rootMeanSquaredError)
      writer.optional(numbers.rSquared) { $0.double($1) }
      writer.optional(numbers.meanPoissonDeviance) { $0.double($1) }
    case .classes(let performance):
      writer.boolean(true)
      writer.integer(Int64(performance.rowCount))
      writer.integer(Int64(performance.correctCount))
      writer.double(performance.meanLogLoss)
      writer.array(performance.classes) { writer, one in
        writer.string(one.name)
        writer.optional(one.rowCount) { $0.integer(Int64($1)) }
        writer.optional(one.discrimination) { writer, auroc in
          writer.double(auroc.value)
          writer.optional(auroc.standardError) { $0.double($1) }
        }
      }
    }
  }

  /// Reads the encoding and refuses what no rows can have.
  ///
  /// - Parameter minimumCell: the smallest cell the message states.
  init(_ reader: inout FieldReader, minimumCell: Int) throws(ValidationError) {
    self =
      try reader.isPresent("values")
      ? .classes(try ClassPerformance(&reader, minimumCell: minimumCell))
      : .numbers(try NumberPerformance(&reader))
  }
}

extension NumberPerformance {
  fileprivate init(_ reader: inout FieldReader) throws(ValidationError) {
    let performance = NumberPerformance(
      rowCount: try reader.count("rowCount"),
      meanObserved: try reader.number("meanObserved"),
      meanPredicted: try reader.number("meanPredicted"),
      meanAbsoluteError: try reader.number("meanAbsoluteError"),
      rootMeanSquaredError: try reader.number("rootMeanSquaredError"),
      rSquared: try reader.optionalNumber("rSquared"),
      meanPoissonDeviance: try reader.optionalNumber("meanPoissonDeviance"))
    guard let performance else {
      throw reader.implausible("means and errors that no rows can have", "values")
    }
    self = performance
  }
}

extension ClassPerformance {
  fileprivate init(_ reader: inout FieldReader, minimumCell: Int) throws(ValidationError) {
    let rowCount = try reader.count("rowCount")
    let correctCount = try reader.count("correctCount")
    try reader.require(
      rowCount >= 1 && correctCount <= rowCount, "more right than there are", "correctCount")
    let loss = try reader.number("meanLogLoss", in: 0...Self.lossLimit)
    let length = try reader.length("classes", limit: Self.classLimit, minimumBytes: 6)
    var classes: [OneClass] = []
    for _ in 0..<length {
      let name = try reader.text("name")
      let count = try reader.optionalCount("classes")
      var auroc: AUROC?
      if try reader.isPresent("discrimination") {
        let value = try reader.number("discrimination", in: 0...1)
        let error = try reader.optionalNumber("discrimination", in: 0...1)
        auroc = AUROC(value: value, standardError: error)
        try reader.require(
          count.map { $0 > 0 && $0 < rowCount } ?? false,
          "an AUROC without both sides", "discrimination")
      }
      classes.append(OneClass(name: name, rowCount: count, discrimination: auroc))
    }
    try reader.require(
      length >= 2 && Set(classes.map(\.name)).count == length, "not different classes", "classes")
    let shown = classes.compactMap(\.rowCount)
    try reader.require(
      shown.allSatisfy { count in
        [count, rowCount - count].allSatisfy { $0 == 0 || $0 >= minimumCell }
      }, "below the minimum cell", "classes")
    // No overflow: at most 64 counts, each within the reader's limit.
    let rest = rowCount - shown.reduce(0, +)
    let hiddenCount = length - shown.count
    try reader.require(
      hiddenCount == 0 ? rest == 0 : hiddenCount > 1 && rest >= max(minimumCell, hiddenCount),
      "counts of classes that do not add up, or give a small one away", "classes")
    self.init(
      unchecked: rowCount, correctCount: correctCount, meanLogLoss: loss, classes: classes)
  }
}
