/// What a site's records look like before they are a cohort: in which units and code systems they are, and
/// what cleaning did. Counts only, of one site; what of it may be shown is decided where it leaves.
public struct RecordsFacts: Sendable, Hashable {
  /// One variable of the recipe.
  public struct Variable: Sendable, Hashable {
    public var name: String
    /// The unit of the study; nil for what has none.
    public var unit: String?
    /// Patients with a record of it, and its records.
    public var patientCount: Int
    public var recordCount: Int
    /// Records by the unit they name, the empty text for none, in the order of the texts.
    public var units: [Unit]
    /// Records without a value, in a unit without conversion, converted, outside the hard range, outside
    /// the warn range.
    public var missingCount: Int
    public var unknownUnitCount: Int
    public var convertedCount: Int
    public var hardRangeCount: Int
    public var warnRangeCount: Int
    /// Units in which values look recorded other than they say.
    public var mistakes: [Mistake]

    public init(
      name: String, unit: String?, patientCount: Int, recordCount: Int, units: [Unit] = [],
      missingCount: Int = 0, unknownUnitCount: Int = 0, convertedCount: Int = 0,
      hardRangeCount: Int = 0, warnRangeCount: Int = 0, mistakes: [Mistake] = []
    ) {
      self.name = name
      self.unit = unit
      self.patientCount = patientCount
      self.recordCount = recordCount
      self.units = units
      self.missingCount = missingCount
      self.unknownUnitCount = unknownUnitCount
      self.convertedCount = convertedCount
      self.hardRangeCount = hardRangeCount
      self.warnRangeCount = warnRangeCount
      self.mistakes = mistakes
    }
  }

  /// Records in one unit.
  public struct Unit: Sendable, Hashable {
    public var unit: String
    public var count: Int

    public init(_ unit: String, _ count: Int) {
      self.unit = unit
      self.count = count
    }
  }

  /// Values that look recorded in another unit than they name.
  public struct Mistake: Sendable, Hashable {
    public var declaredUnit: String
    public var likelyUnit: String
    /// All values rather than a part.
    public var concernsAll: Bool
    /// Share of the values, 0 … 1.
    public var share: Double

    public init(declaredUnit: String, likelyUnit: String, concernsAll: Bool, share: Double) {
      self.declaredUnit = declaredUnit
      self.likelyUnit = likelyUnit
      self.concernsAll = concernsAll
      self.share = share
    }
  }

  /// In the order of the recipe.
  public var variables: [Variable]
  public var recordCount: Int
  /// Records that no variable gathers.
  public var unmappedCount: Int
  /// Records by code system, the most frequent first.
  public var systems: [Unit]

  public init(
    variables: [Variable], recordCount: Int, unmappedCount: Int, systems: [Unit]
  ) {
    self.variables = variables
    self.recordCount = recordCount
    self.unmappedCount = unmappedCount
    self.systems = systems
  }
}
