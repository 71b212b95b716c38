/// What a site's records look like before they are a cohort: in which units and code systems they are, and
/// what cleaning did. Counts only, of one site; what of it may be shown is decided where it leaves.
public struct RecordsFacts: Sendable, Hashable {
  /// One variable of the recipe.
  public struct Variable: Sendable, Hashable {
    public var name: String
    /// The unit of the study; nil for what has none.
    public var unit: String?
    /// Its records, and whose they are.
    public var records: Part
    /// Records by the unit they name, the empty text for none, in the order of the texts.
    public var units: [Unit]
    /// Records without a value, in a unit without conversion, converted, outside the hard range, outside
    /// the warn range, and of each the others.
    public var parts: [Split]
    /// Units in which values look recorded other than they say.
    public var mistakes: [Mistake]

    /// How many parts there are.
    public static let partCount = 5

    public init(
      name: String, unit: String?, records: Part, units: [Unit] = [],
      parts: [Split] = [Split](repeating: Split(), count: Variable.partCount),
      mistakes: [Mistake] = []
    ) {
      self.name = name
      self.unit = unit
      self.records = records
      self.units = units
      self.parts = parts
      self.mistakes = mistakes
    }
  }

  /// Some of the records, and whose they are.
  public struct Part: Sendable, Hashable {
    public var count: Int
    public var patients: SomePatients

    public init(_ count: Int = 0, of patients: SomePatients = SomePatients()) {
      self.count = count
      self.patients = patients
    }

    /// Adds a record of a patient.
    public mutating func add(_ patient: Int32) {
      count += 1
      patients.insert(patient)
    }

    /// Adds other records.
    public mutating func add(_ other: Part) {
      count += other.count
      patients.formUnion(other.patients)
    }
  }

  /// Records of a kind, and the others.
  public struct Split: Sendable, Hashable {
    public var part: Part
    public var rest: Part

    public init(part: Part = Part(), rest: Part = Part()) {
      self.part = part
      self.rest = rest
    }
  }

  /// Records under one word: a unit or a code system.
  public struct Unit: Sendable, Hashable {
    public var unit: String
    public var records: Part

    public init(_ unit: String, _ records: Part) {
      self.unit = unit
      self.records = records
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
  /// All records, split into those that no variable gathers and the others.
  public var unmapped: Split
  /// Records by code system, the most frequent first; "local" for every system that is not of a public list.
  public var systems: [Unit]

  public init(
    variables: [Variable], unmapped: Split, systems: [Unit]
  ) {
    self.variables = variables
    self.unmapped = unmapped
    self.systems = systems
  }
}
