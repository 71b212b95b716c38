import Records

/// Small sets of events written by hand.
struct Story {
  var batch = EventBatch()

  mutating func add(
    _ subject: String, _ code: String, at time: Int64, span: Int64 = 0, known: Int64? = nil,
    _ value: Double = .nan, unit: String? = nil, text: String? = nil
  ) throws {
    let subject = try number(batch.lexicon.subjects.index(subject))
    let code = try number(batch.lexicon.codes.index(code))
    var event = Event(
      subject: subject, code: code, time: time, span: Int32(span), knownAt: known, value: value)
    if let unit { event.unit = try number(batch.lexicon.units.index(unit)) }
    if let text { event.text = try number(batch.lexicon.texts.index(text)) }
    batch.events.append(event)
  }

  private func number(_ index: Int32?) throws -> Int32 {
    guard let index else { throw RecordsError(.tooLarge) }
    return index
  }

  /// The table of a recipe.
  func table(_ recipe: RecordsRecipe) throws -> FeatureTable {
    var index: CohortIndex?
    if IndexScan.isNeeded(for: recipe) {
      var scan = try IndexScan(recipe)
      try scan.receive(batch)
      index = scan.finish(batch.lexicon)
    }
    var builder = try FeatureBuilder(recipe, index: index)
    try builder.receive(batch)
    return builder.finish(batch.lexicon)
  }
}

let hour: Int64 = 3600
let day: Int64 = 86_400

extension FeatureTable {
  /// The numbers of a column; empty when there is none of this name.
  func numbers(_ name: String) -> [Double] {
    guard case .numbers(let values)? = column(name)?.values else { return [] }
    return values
  }

  func words(_ name: String) -> [String?] {
    guard case .words(let values)? = column(name)?.values else { return [] }
    return values
  }
}
