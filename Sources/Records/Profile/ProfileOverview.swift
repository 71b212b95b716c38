/// What a profile says, in numbers for tables and figures. It stays in the hospital: its counts are exact,
/// whatever their size. No identifier, and no value of one patient: distributions are quantiles from
/// the 5th to the 95th hundredth of at least ``minimumValues`` values of ``minimumPatients`` patients, each right
/// to 2 %, so that at least five values lie beyond the outermost.
public struct ProfileOverview: Sendable, Hashable {
  /// With fewer values than this a distribution is not described.
  public static let minimumValues = 100
  /// With fewer patients who have the variable, neither.
  public static let minimumPatients = 10
  /// The hundredths whose values are given.
  public static let probabilities = [0.05, 0.25, 0.5, 0.75, 0.95]

  /// A word and how many records have it.
  public struct Part: Sendable, Hashable {
    public var word: String
    public var count: Int
  }

  /// The values of a number in one unit.
  public struct Distribution: Sendable, Hashable {
    /// As the records name it; empty when they name none.
    public var unit: String
    public var valueCount: Int
    /// At ``ProfileOverview/probabilities``; empty with too few values, or where one is below 0, which the
    /// sketch does not resolve.
    public var quantiles: [Double] = []
    /// Shares of the values in bins of equal width between the outer quantiles; empty where there are none.
    public var shares: [Double] = []
  }

  public struct Variable: Sendable, Hashable {
    public var name: String
    /// Records of the variable, and patients who have any.
    public var recordCount: Int
    public var patientCount: Int
    public var tally: VariableTally
    /// Of a number, by unit, the commonest first.
    public var distributions: [Distribution]
  }

  public var patientCount: Int
  public var recordCount: Int
  public var unmappedCount: Int
  public var variables: [Variable]
  public var systems: [Part]
  /// The commonest codes that no variable gathers.
  public var unmappedCodes: [Part]
  /// Records by how long after the event they became known.
  public var delays: [Part]
  /// What a data steward should look at, in words.
  public var findings: [String]

  public init(
    patientCount: Int, recordCount: Int, unmappedCount: Int, variables: [Variable], systems: [Part],
    unmappedCodes: [Part], delays: [Part], findings: [String]
  ) {
    self.patientCount = patientCount
    self.recordCount = recordCount
    self.unmappedCount = unmappedCount
    self.variables = variables
    self.systems = systems
    self.unmappedCodes = unmappedCodes
    self.delays = delays
    self.findings = findings
  }
}

extension RecordsProfile {
  /// The profile in numbers.
  public func overview(_ lexicon: Lexicon) -> ProfileOverview {
    ProfileOverview(
      patientCount: lexicon.subjects.count, recordCount: eventCount, unmappedCount: unmappedCount,
      variables: recipe.variables.enumerated().map { number, variable in
        ProfileOverview.Variable(
          name: variable.name, recordCount: tallies[number].eventCount,
          patientCount: subjectSeen[number].count(where: \.self), tally: tallies[number],
          distributions: distributions(of: number, lexicon))
      },
      systems: codeSystems(lexicon).map { ProfileOverview.Part(word: $0.system, count: $0.count) },
      unmappedCodes: unmappedCodes(lexicon).map {
        ProfileOverview.Part(word: $0.code, count: $0.count)
      },
      delays: zip(Self.delayNames, lags).map { ProfileOverview.Part(word: $0, count: $1) },
      findings: findings(lexicon))
  }

  private func distributions(
    of variable: Int, _ lexicon: Lexicon
  ) -> [ProfileOverview.Distribution] {
    let isTold =
      subjectSeen[variable].count(where: \.self) >= ProfileOverview.minimumPatients
    return sketches.filter { $0.key.variable == variable && $0.value.count > 0 }
      .map { key, sketch in
        var found = ProfileOverview.Distribution(
          unit: key.unit == Lexicon.none ? "" : lexicon.units.text(key.unit),
          valueCount: sketch.count)
        guard isTold, sketch.count >= ProfileOverview.minimumValues else { return found }
        let quantiles = ProfileOverview.probabilities.compactMap { sketch.quantile($0) }
        guard quantiles.allSatisfy(\.isFinite) else { return found }
        found.quantiles = quantiles
        found.shares = sketch.histogram(
          from: quantiles[0], to: quantiles[quantiles.count - 1], binCount: 24)
        return found
      }.sorted { ($1.valueCount, $0.unit) < ($0.valueCount, $1.unit) }
  }
}
