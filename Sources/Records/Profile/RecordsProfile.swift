import Cohort

/// One look at a site's records before any study: how much there is of what, in which units and
/// code systems, how late it becomes known, what is there twice. Stays in the hospital.
///
/// Memory is subjects, codes and a bounded sample, not records.
public struct RecordsProfile: Sendable {
  /// The most records kept to estimate how many are there twice.
  public static let sampleLimit = 1 << 16
  /// Subjects with fewer records are not compared: they are alike by chance.
  public static let minimumRecords = 10

  struct UnitKey: Hashable {
    let variable: Int
    let unit: Int32
  }

  private struct Fingerprint: Hashable {
    var sum: UInt64 = 0
    var count = 0
  }

  let recipe: RecordsRecipe
  private var binding: EventBinding
  private var marks: RecordMarks
  private(set) var sketches: [UnitKey: ValueSketch] = [:]
  /// Whose the records are, for what leaves the hospital.
  private(set) var owners: RecordOwners
  private(set) var tallies: [VariableTally]
  /// Records of each code that became known after they happened.
  private var lateCounts: [Int] = []
  private(set) var subjectSeen: [[Bool]]
  private var fingerprints: [Fingerprint] = []
  private var codeCounts: [Int] = []
  private var sample: [UInt64: Int] = [:]
  private var sampleBound = UInt64.max
  private(set) var lags = [Int](repeating: 0, count: 6)
  public private(set) var eventCount = 0
  /// Records that no variable gathers.
  public var unmappedCount: Int { owners.unmapped.part.count }

  public init(
    _ recipe: RecordsRecipe, undeclared: DiagnosisCode.System? = nil
  ) throws(RecordsError) {
    try recipe.validate()
    self.recipe = recipe
    binding = EventBinding(recipe, undeclared: undeclared)
    marks = RecordMarks(variableCount: recipe.variables.count)
    tallies = recipe.variables.map { _ in VariableTally() }
    owners = RecordOwners(variableCount: recipe.variables.count)
    subjectSeen = recipe.variables.map { _ in [] }
  }

  /// Takes the events of a batch.
  public mutating func receive(_ batch: EventBatch) {
    binding.extend(batch.lexicon)
    owners.extend(batch.lexicon)
    let subjects = batch.lexicon.subjects.count
    let codes = batch.lexicon.codes.count
    if fingerprints.count < subjects {
      fingerprints += Array(repeating: Fingerprint(), count: subjects - fingerprints.count)
      for variable in subjectSeen.indices {
        subjectSeen[variable] += Array(
          repeating: false, count: subjects - subjectSeen[variable].count)
      }
    }
    if codeCounts.count < codes {
      codeCounts += Array(repeating: 0, count: codes - codeCounts.count)
      lateCounts += Array(repeating: 0, count: codes - lateCounts.count)
    }
    for event in batch.events { take(event) }
  }

  private mutating func take(_ event: Event) {
    let subject = Int(event.subject)
    let code = Int(event.code)
    guard fingerprints.indices.contains(subject), codeCounts.indices.contains(code) else { return }
    eventCount += 1
    codeCounts[code] += 1
    if event.knownAt > event.latest { lateCounts[code] += 1 }
    let content = Self.hash(event)
    fingerprints[subject].sum &+= content
    fingerprints[subject].count += 1
    keep(Self.mixed(content ^ Self.mixed(UInt64(subject) &+ 1)))
    if event.time != RecordTime.always {
      let lag = RecordTime.clamping(event.knownAt) - RecordTime.clamping(event.latest)
      lags[
        event.isNeverKnown
          ? 5 : lag <= 0 ? 0 : lag <= 3600 ? 1 : lag <= 86_400 ? 2 : lag <= 604_800 ? 3 : 4] += 1
    }
    let variables = binding.variables(of: event.code)
    marks.begin(event)
    owners.take(event, isMapped: !variables.isEmpty)
    for position in variables {
      let variable = binding.variable(at: position)
      guard marks.isFirst(variable) else { continue }
      let before = tallies[variable]
      defer { owners.take(event, variable, before: before, after: tallies[variable]) }
      tallies[variable].eventCount += 1
      subjectSeen[variable][subject] = true
      if event.isNeverKnown {
        if event.time == RecordTime.always {
          tallies[variable].undatedCount += 1
          continue
        }
        tallies[variable].neverKnownCount += 1
      }
      guard binding.isNumber(variable) else { continue }
      _ = binding.number(event, variable, &tallies[variable])
      guard !binding.isMissing(event.value, variable) else { continue }
      let key = UnitKey(variable: variable, unit: event.unit)
      sketches[key, default: ValueSketch()].add(event.value)
      owners.take(event.subject, key)
    }
  }

  private static func mixed(_ value: UInt64) -> UInt64 {
    let product = (value ^ 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
    return product.high ^ product.low
  }

  /// What a record says, without its subject.
  private static func hash(_ event: Event) -> UInt64 {
    var state = mixed(UInt64(bitPattern: Int64(event.code)))
    state = mixed(state ^ UInt64(bitPattern: event.time))
    state = mixed(state ^ UInt64(bitPattern: event.knownAt))
    state = mixed(state ^ UInt64(bitPattern: Int64(event.unit)))
    state = mixed(state ^ (event.value.isNaN ? 1 : (event.value + 0).bitPattern))
    return mixed(state ^ UInt64(bitPattern: Int64(event.text)))
  }

  /// Keeps the records with the smallest hashes: equal records are kept or left together.
  private mutating func keep(_ hash: UInt64) {
    guard hash <= sampleBound else { return }
    sample[hash, default: 0] += 1
    guard sample.count > Self.sampleLimit else { return }
    sampleBound /= 2
    let bound = sampleBound
    sample = sample.filter { $0.key <= bound }
  }

  /// Estimated share of records that repeat another one exactly.
  public var duplicateShare: Double {
    let total = sample.values.reduce(0, +)
    return total == 0 ? 0 : Double(total - sample.count) / Double(total)
  }

  /// Groups of subjects whose records are the same, record by record: probably one person twice.
  public func duplicateSubjects(_ lexicon: Lexicon) -> [[String]] {
    var groups: [Fingerprint: [Int32]] = [:]
    for (subject, fingerprint) in fingerprints.enumerated()
    where fingerprint.count >= Self.minimumRecords {
      groups[fingerprint, default: []].append(Int32(subject))
    }
    return groups.values.filter { $0.count > 1 }
      .map { $0.map { lexicon.subjects.text($0) }.sorted() }.sorted { $0[0] < $1[0] }
  }

  /// Variables whose values look recorded in another unit than they name.
  public func unitSuspicions(_ lexicon: Lexicon) -> [UnitSuspicion] {
    sketches.sorted { ($0.key.variable, $0.key.unit) < ($1.key.variable, $1.key.unit) }
      .compactMap { key, sketch in
        let variable = recipe.variables[key.variable]
        guard let clinical = variable.clinical else { return nil }
        var declared = key.unit == Lexicon.none ? nil : lexicon.units.text(key.unit)
        if case .number(let own?, _, _) = variable.kind, declared == nil { declared = own }
        return UnitSuspicion.find(variable.name, clinical: clinical, declared: declared, sketch)
      }
  }

  /// Variables of diagnoses of which most records do not say when they were coded, which for billing
  /// codes is the discharge: those that a database or FHIR export has as diagnoses with no time but
  /// their own, and of other sources codes of ICD or SNOMED CT that are known when they happen.
  public func undatedDiagnoses(_ lexicon: Lexicon) -> [String] {
    var counts = recipe.variables.map { _ in (undated: 0, all: 0) }
    for (code, count) in codeCounts.enumerated() where count > 0 {
      let undated: Int
      if let assumed = lexicon.assumedDiagnoses[Int32(code)] {
        undated = min(assumed, count)
      } else {
        let text = lexicon.codes.text(Int32(code))
        guard text.hasPrefix("icd") || text.hasPrefix("snomed:") else { continue }
        undated = count - lateCounts[code]
      }
      for position in binding.variables(of: Int32(code)) {
        let variable = binding.variable(at: position)
        counts[variable].undated += undated
        counts[variable].all += count
      }
    }
    return zip(recipe.variables, counts).filter { $1.undated * 2 > $1.all }.map(\.0.name)
  }

  /// Records by code system: the part of a code before its colon or bar.
  public func codeSystems(_ lexicon: Lexicon) -> [(system: String, count: Int)] {
    var counts: [String: Int] = [:]
    for (code, count) in codeCounts.enumerated() {
      counts[Self.system(of: lexicon.codes.text(Int32(code))), default: 0] += count
    }
    return counts.map { ($0.key, $0.value) }.sorted { ($1.1, $0.0) < ($0.1, $1.0) }
  }

  /// The part of a code before its colon or bar: whatever stands there.
  static func system(of code: String) -> String {
    let end = code.lastIndex(of: "|") ?? code.firstIndex(of: ":")
    return end.map { String(code[..<$0]) } ?? RecordOwners.localSystem
  }

  /// The commonest codes that no variable gathers, at least `minimum` records each.
  public func unmappedCodes(
    _ lexicon: Lexicon, limit: Int = 20, minimum: Int = 10
  ) -> [(code: String, count: Int)] {
    codeCounts.enumerated().filter { code, count in
      count >= minimum && binding.variables(of: Int32(code)).isEmpty
    }.map { (lexicon.codes.text(Int32($0.offset)), $0.element) }
      .sorted { ($1.1, $0.0) < ($0.1, $1.0) }.prefix(limit).map { ($0.0, $0.1) }
  }

  /// The profile in words.
  public func text(_ lexicon: Lexicon) -> String {
    func percent(_ part: Int, _ whole: Int) -> String {
      whole == 0 ? "-" : "\((1000 * part / whole + 5) / 10) %"
    }
    var lines = ["\(eventCount) records of \(lexicon.subjects.count) patients", "", "Variables"]
    for (number, variable) in recipe.variables.enumerated() {
      let tally = tallies[number]
      let covered = subjectSeen[number].count(where: \.self)
      var line = "  \(variable.name): \(tally.eventCount) records,"
      line += " \(percent(covered, lexicon.subjects.count)) of the patients"
      let parts = [
        (tally.missingCount, "without a value"), (tally.wordCount, "words"),
        (tally.unknownUnitCount, "in an unknown unit"),
        (tally.hardRangeCount, "impossible"), (tally.warnRangeCount, "unusual"),
        (tally.neverKnownCount, "known at no stated time: in no feature"),
        (tally.undatedCount, "without any time: as an outcome unknown"),
      ].filter { $0.0 > 0 }
      line += parts.map { ", \($0.0) \($0.1)" }.joined()
      lines.append(line)
    }
    lines += ["", "Code systems"]
    lines += codeSystems(lexicon).prefix(20).map {
      "  \($0.system): \(percent($0.count, eventCount))"
    }
    lines.append("  belonging to no variable: \(percent(unmappedCount, eventCount))")
    let unmapped = unmappedCodes(lexicon, limit: 10)
    if !unmapped.isEmpty {
      lines.append("  commonest of them: " + unmapped.map(\.code).joined(separator: ", "))
    }
    lines += ["", "Known after the event"]
    lines += zip(Self.delayNames, lags).map { "  \($0): \(percent($1, lags.reduce(0, +)))" }
    let drawn = distributionLines(lexicon)
    if !drawn.isEmpty { lines += ["", "Values, from the 5th to the 95th hundredth"] + drawn }
    lines += ["", "To look at"]
    let findings = findings(lexicon)
    lines += findings.isEmpty ? ["  nothing"] : findings.map { "  \($0)" }
    return lines.joined(separator: "\n") + "\n"
  }

  /// How long after the event records became known.
  static let delayNames = [
    "at once", "within an hour", "within a day", "within a week", "later", "at no stated time",
  ]

  /// One line for every number and unit: the shape of its distribution and three quantiles.
  private func distributionLines(_ lexicon: Lexicon) -> [String] {
    let marks = Array("▁▂▃▄▅▆▇█")
    return overview(lexicon).variables.flatMap { variable in
      variable.distributions.compactMap { found -> String? in
        guard found.quantiles.count == 5, let top = found.shares.max(), top > 0 else { return nil }
        let bars = found.shares.map { share in
          marks[min(max(Int((share / top * 8).rounded(.up)) - 1, 0), 7)]
        }
        let ends = [0, 2, 4].map { Self.threeDigits(found.quantiles[$0]) }
        return "  \(variable.name) \(String(bars)) \(ends[0]) to \(ends[2]), half below"
          + " \(ends[1])\(found.unit.isEmpty ? "" : " \(found.unit)") (\(found.valueCount) values)"
      }
    }
  }

  /// A value with three digits, as the sketch is no more exact.
  private static func threeDigits(_ value: Double) -> String {
    var factor = 1.0
    while value.magnitude * factor < 100, factor < 1e9 { factor *= 10 }
    return FeatureTable.text((value * factor).rounded() / factor)
  }

  /// What a data steward should look at.
  func findings(_ lexicon: Lexicon) -> [String] {
    var findings = zip(recipe.variables, tallies).compactMap { $1.words(of: $0.name) }
    findings += unitSuspicions(lexicon).map(\.words)
    findings += undatedDiagnoses(lexicon).map {
      "\($0): most records do not say when they were coded; diagnoses for billing are coded at"
        + " discharge"
    }
    for group in duplicateSubjects(lexicon).prefix(20) {
      findings.append("the same records under \(group.count) identifiers: one person twice?")
    }
    if duplicateShare > 0.001 {
      findings.append(
        "about \((duplicateShare * 1000).rounded() / 10) % of the records are there twice; set"
          + " `duplicates: remove`")
    }
    return findings
  }
}
