import Cohort

extension FeatureBuilder {
  /// The finished table: criteria in their order, then outcome, then features and their
  /// combinations.
  public func finish(_ lexicon: Lexicon) -> FeatureTable {
    finish(lexicon, Array(0..<rowCount), subjectCount: lexicon.subjects.count)
  }

  /// One finished table for each value of a feature, in the order of the values' Unicode scalars, as
  /// if each had records of its own; rows without a value are in none.
  ///
  /// Throws `badRecipe` when the recipe has no such feature.
  public func finish(
    _ lexicon: Lexicon, by name: String
  ) throws(RecordsError) -> [(value: String, table: FeatureTable)] {
    guard let position = recipe.features.firstIndex(where: { $0.name == name }) else {
      throw RecordsError(
        .badRecipe, name: name, detail: "there is no such feature to tell the sites apart")
    }
    let slot = plan.features[position]
    var groups: [String: [Int]] = [:]
    for row in 0..<rowCount {
      let value = slot.isText ? word(slot, row, lexicon) : FeatureTable.text(number(slot, row))
      if let value, !value.isEmpty { groups[value, default: []].append(row) }
    }
    return groups.keys.sorted { $0.unicodeScalars.lexicographicallyPrecedes($1.unicodeScalars) }
      .map { value in
        let rows = groups[value] ?? []
        return (value, finish(lexicon, rows, subjectCount: Set(rows.map(subject)).count))
      }
  }

  private func subject(_ row: Int) -> Int { index.map { Int($0.subjects[row]) } ?? row }

  private func finish(_ lexicon: Lexicon, _ all: [Int], subjectCount: Int) -> FeatureTable {
    let names = recipe.flowSteps
    var flow = [
      FlowStep(
        name: names[0], rowCount: subjectCount, subjectCount: subjectCount, leaverCount: 0)
    ]
    var before: [Int]?
    func step(_ rows: [Int]) {
      let subjects = Set(rows.map(subject))
      let leavers: Int
      if let before {
        let stayed = Set(rows)
        leavers = Set(before.lazy.filter { !stayed.contains($0) }.map(subject)).count
      } else {
        var counts: [Int: Int] = [:]
        for row in rows { counts[subject(row), default: 0] += 1 }
        leavers = subjectCount - subjects.count + counts.values.count { $0 > 1 }
      }
      flow.append(
        FlowStep(
          name: names[flow.count], rowCount: rows.count, subjectCount: subjects.count,
          leaverCount: leavers))
      before = rows
    }
    var rows = all
    step(rows)
    for (position, criterion) in recipe.criteria.enumerated() {
      let slot = plan.criteria[position]
      rows = rows.filter { row in
        let isMet: Bool
        if let seconds = criterion.deathWithin {
          isMet = index?.mayHaveDied(subject(row), within: seconds, of: time(row)) ?? false
        } else if slot.isText {
          let word = word(slot, row, lexicon)
          isMet = criterion.condition.isMet(
            number: word.flatMap { CellText.number($0) } ?? .nan, text: word)
        } else {
          let number = number(slot, row)
          // A count of none is a number, and still nothing is recorded.
          let isNone = slot.function.isCounting && number == 0
          isMet =
            criterion.condition.comparison == .present
            ? !number.isNaN && !isNone : criterion.condition.isMet(number: number, text: nil)
        }
        return isMet != criterion.excludes
      }
      step(rows)
    }
    var results: [RowOutcome] = []
    if let outcome = recipe.outcome {
      if outcome.requiresAtRisk {
        rows = rows.filter { !outcomes[$0].isPrevalent }
        step(rows)
      }
      var kept: [Int] = []
      for row in rows {
        guard let result = result(outcome, row, subject(row)) else { continue }
        kept.append(row)
        results.append(result)
      }
      rows = kept
      step(rows)
    }
    let texts = rows.map { lexicon.subjects.text(Int32(subject($0))) }
    let order = rows.indices.sorted { left, right in
      texts[left] != texts[right]
        ? texts[left] < texts[right] : time(rows[left]).index < time(rows[right]).index
    }
    let sorted = order.map { rows[$0] }
    var columns = columns(sorted, lexicon)
    addDerived(&columns, sorted.count)
    return FeatureTable(
      subjects: order.map { texts[$0] }, indexTimes: sorted.map { time($0).index },
      columns: columns, outcomeName: recipe.outcome?.name,
      outcomes: results.isEmpty ? [] : order.map { results[$0] }, flow: flow,
      tallies: recipe.variables.enumerated().map { ($1.name, tallies[$0]) })
  }

  /// The features of some rows, in their order. Row by row: what is kept of one row lies together.
  private func columns(_ rows: [Int], _ lexicon: Lexicon) -> [FeatureColumn] {
    var numbers: [[Double]] = []
    var words: [[String?]] = []
    for slot in plan.features {
      numbers.append(slot.isText ? [] : [Double](repeating: .nan, count: rows.count))
      words.append(slot.isText ? [String?](repeating: nil, count: rows.count) : [])
    }
    for (position, row) in rows.enumerated() {
      for (feature, slot) in plan.features.enumerated() {
        if slot.isText {
          words[feature][position] = word(slot, row, lexicon)
        } else {
          numbers[feature][position] = number(slot, row)
        }
      }
    }
    return recipe.features.enumerated().map { position, feature in
      FeatureColumn(
        name: feature.name, unit: recipe.unit(of: feature.measure),
        values: plan.features[position].isText
          ? .words(words[position]) : .numbers(numbers[position]))
    }
  }

  private func time(_ row: Int) -> PredictionTime {
    index?.rows[row] ?? PredictionTime(index: 0, offset: recipe.predictionOffset)
  }

  private func addDerived(_ columns: inout [FeatureColumn], _ count: Int) {
    for derived in recipe.derived {
      let operands = derived.operands.compactMap { name -> [Double]? in
        guard case .numbers(let values)? = columns.first(where: { $0.name == name })?.values
        else { return nil }
        return values
      }
      var values = [Double](repeating: .nan, count: count)
      if operands.count == derived.operands.count {
        for row in 0..<count {
          values[row] = derived.interaction.value(operands.map { $0[row] }) + 0
        }
      }
      columns.append(FeatureColumn(name: derived.name, unit: nil, values: .numbers(values)))
    }
  }

  /// What became of a row; nil when it is not known.
  private func result(_ outcome: RecordOutcome, _ row: Int, _ subject: Int) -> RowOutcome? {
    let record = outcomes[row]
    let prediction = time(row).seconds
    // The dead are no survivors, whatever the recipe says about who is at risk.
    if record.isPrevalent, plan.isOutcomeDeath { return nil }
    if record.first != .max { return .event(after: record.first - prediction) }
    // It happened at some time: neither in the window nor outside it for certain.
    if record.isUndated { return nil }
    if !record.isRecorded, outcome.absence == .unknown { return nil }
    let end = followUps[subject]
    let followed = end == .min ? nil : RecordTime.clamping(end) - prediction
    let isComplete = outcome.horizon.map { (followed ?? -1) >= $0 } ?? false
    if isComplete { return RowOutcome.none(after: outcome.horizon, isCensored: false) }
    switch outcome.censoring {
    case .negative: return RowOutcome.none(after: outcome.horizon, isCensored: false)
    case .exclude:
      return outcome.horizon == nil ? RowOutcome.none(after: followed, isCensored: true) : nil
    case .keep: return RowOutcome.none(after: max(0, followed ?? 0), isCensored: true)
    }
  }

  /// The value of a numeric slot; not-a-number when missing.
  private func number(_ slot: FeaturePlan.Slot, _ row: Int) -> Double {
    let channel = slot.channel
    let cell = cells[row * plan.channels.count + channel]
    let count = Int(cell.count)
    if count == 0 { return slot.function.isCounting ? 0 : .nan }
    switch slot.function {
    case .minimum: return cell.minimum
    case .maximum: return cell.maximum
    case .mean: return Moments.mean(sum(channel, row), count)
    case .first: return cell.first
    case .last: return cell.last
    case .count: return Double(count)
    case .sum: return Moments.total(sum(channel, row))
    case .present: return 1
    case .slope: return moments(channel, row).slopePerHour(count)
    case .variability: return moments(channel, row).standardDeviation(count)
    case .range: return cell.maximum - cell.minimum
    case .change: return cell.last - cell.first + 0
    case .hoursSince:
      guard cell.lastTime != RecordTime.always else { return .nan }
      return Double(time(row).seconds - RecordTime.clamping(cell.lastTime)) / 3600
    case .yearsSince:
      guard cell.firstTime != RecordTime.always else { return .nan }
      return Double(time(row).seconds - RecordTime.clamping(cell.firstTime)) / RecordTime.year
    }
  }

  private func moments(_ channel: Int, _ row: Int) -> Moments {
    moments[row * plan.momentCount + plan.momentSlots[channel]]
  }

  /// The sum of a channel's values in billionths, in a channel that keeps it.
  private func sum(_ channel: Int, _ row: Int) -> Int128 {
    plan.depths[channel] == .sum
      ? sums[row * plan.sumCount + plan.sumSlots[channel]] : moments(channel, row).sum
  }

  /// The word of a slot of a category; nil when missing.
  private func word(_ slot: FeaturePlan.Slot, _ row: Int, _ lexicon: Lexicon) -> String? {
    let cell = cells[row * plan.channels.count + slot.channel]
    guard cell.count > 0 else { return nil }
    let isFirst = slot.function == .first
    let text = isFirst ? cell.firstText : cell.lastText
    if text != Lexicon.none { return CellText.canonical(lexicon.texts.text(text)) }
    let value = isFirst ? cell.first : cell.last
    return value.isNaN ? nil : FeatureTable.text(value)
  }
}
