import Records

/// An OMOP common data model, 5.3 or 5.4, in SQLite or PostgreSQL.
///
/// Codes of its events: `omop:CONCEPT` for every clinical record, `omop-source:TEXT` where the
/// concept is 0; `visit` and `visit:CONCEPT` at a visit's start, `visit-end` and
/// `visit-end:CONCEPT` at its end (value: its length in hours); `person:birth`, `person:gender`,
/// `person:race`, `person:ethnicity`; `death`; `follow-up-start`, `follow-up-end`; and diagnoses
/// besides as `icd9cm:`, `icd10cm:` or, where the source concept's vocabulary is not there, `icd:`.
public struct OMOPSource: EventSource {
  public enum Database: Sendable, Hashable {
    case sqlite(path: String)
    /// libpq's connection string, and the schema that holds the tables.
    case postgresql(connection: String, schema: String)
  }

  /// What exactly midnight in a column of times means.
  public enum Midnight: String, Sendable, Hashable, CaseIterable {
    /// The date alone, as if the column were empty: many extracts fill in midnight where they know no
    /// time. What happened that day is then known at the day's end, not at its beginning.
    case unknown
    /// The time 00:00:00.
    case exact
  }

  public let database: Database
  public let name: String
  /// Zone of the clocks that wrote the times.
  public let zone: Zone
  public let policy: ReadingPolicy
  /// A diagnosis of a visit is known when the visit ends, as billing codes are: a date alone is the
  /// end of that day, and while the visit has no end nobody can say, so that it is in no feature. One
  /// without a visit is known when the condition starts. False takes the start of the condition for
  /// all.
  public let diagnosesAtVisitEnd: Bool
  public let midnight: Midnight
  /// Whether the database chooses the records that a recipe asks for. The table is the same.
  public let pushesDown: Bool

  public init(
    _ database: Database, name: String = "OMOP", zone: Zone = 0,
    policy: ReadingPolicy = .fail, diagnosesAtVisitEnd: Bool = true,
    midnight: Midnight = .unknown, pushesDown: Bool = true
  ) {
    self.midnight = midnight
    self.pushesDown = pushesDown
    self.database = database
    self.name = name
    self.zone = zone
    self.policy = policy
    self.diagnosesAtVisitEnd = diagnosesAtVisitEnd
  }

  public func open() throws(SiteDataError) -> any EventReader { try reader(nil) }

  /// The database chooses the records by their codes: what no variable of the recipe gathers stays
  /// there. It is not looked at, so that a fault in it is not found.
  public func open(
    selecting selection: RecordSelection
  ) throws(SiteDataError) -> any EventReader {
    try reader(pushesDown ? selection : nil)
  }

  private func reader(_ selection: RecordSelection?) throws(SiteDataError) -> any EventReader {
    let opened: any TableDatabase =
      switch database {
      case .sqlite(let path): try SQLiteDatabase(path: path)
      case .postgresql(let connection, let schema):
        try PostgresDatabase(connection: connection, schema: schema, name: name)
      }
    guard try !opened.columns(of: "person").isEmpty else {
      throw SiteDataError(
        .database, file: opened.name, message: "there is no table `person`",
        advice: "name the database or schema that holds the OMOP tables")
    }
    return OMOPReader(self, opened, selection: selection)
  }
}

/// One OMOP table: which of its columns are read, and what they mean.
struct OMOPTable: Sendable {
  enum Kind: Sendable { case person, visit, condition, record, death, period }

  let name: String
  let kind: Kind
  /// Column of the record's concept.
  var concept = ""
  var sourceValue = ""
  var sourceConcept = ""
  /// First column that is not null.
  var start: [String] = []
  var end: [String] = []
  var number: String?
  var words: [String] = []
  var unitConcept: String?
  var unitText: String?

  static let all: [OMOPTable] = [
    OMOPTable(name: "person", kind: .person),
    OMOPTable(
      name: "visit_occurrence", kind: .visit, concept: "visit_concept_id",
      sourceValue: "visit_source_value", start: ["visit_start_datetime", "visit_start_date"],
      end: ["visit_end_datetime", "visit_end_date"]),
    OMOPTable(
      name: "condition_occurrence", kind: .condition, concept: "condition_concept_id",
      sourceValue: "condition_source_value", sourceConcept: "condition_source_concept_id",
      start: ["condition_start_datetime", "condition_start_date"]),
    OMOPTable(
      name: "drug_exposure", kind: .record, concept: "drug_concept_id",
      sourceValue: "drug_source_value",
      start: ["drug_exposure_start_datetime", "drug_exposure_start_date"], number: "quantity"),
    OMOPTable(
      name: "procedure_occurrence", kind: .record, concept: "procedure_concept_id",
      sourceValue: "procedure_source_value", start: ["procedure_datetime", "procedure_date"],
      number: "quantity"),
    OMOPTable(
      name: "device_exposure", kind: .record, concept: "device_concept_id",
      sourceValue: "device_source_value",
      start: ["device_exposure_start_datetime", "device_exposure_start_date"]),
    OMOPTable(
      name: "measurement", kind: .record, concept: "measurement_concept_id",
      sourceValue: "measurement_source_value",
      start: ["measurement_datetime", "measurement_date"], number: "value_as_number",
      words: ["value_as_concept_id", "value_source_value"], unitConcept: "unit_concept_id",
      unitText: "unit_source_value"),
    OMOPTable(
      name: "observation", kind: .record, concept: "observation_concept_id",
      sourceValue: "observation_source_value",
      start: ["observation_datetime", "observation_date"], number: "value_as_number",
      words: ["value_as_string", "value_as_concept_id"], unitConcept: "unit_concept_id",
      unitText: "unit_source_value"),
    OMOPTable(name: "death", kind: .death, start: ["death_datetime", "death_date"]),
    OMOPTable(
      name: "observation_period", kind: .period,
      start: ["observation_period_start_date"], end: ["observation_period_end_date"]),
  ]

  /// UCUM units of the concepts that OMOP sites use most, by the vocabulary's own codes; a test
  /// compares every entry with a concept table.
  static let units: [String: String] = [
    "8840": "mg/dL", "8753": "mmol/L", "8876": "mm[Hg]", "8554": "%", "8541": "/min",
    "8482": "[pH]", "8749": "umol/L", "8713": "g/dL", "8636": "g/L", "8848": "10*3/uL",
    "9444": "10*9/L", "8645": "U/L", "8751": "mg/L", "8842": "ng/mL", "8845": "pg/mL",
    "8817": "ng/dL", "8837": "ug/dL", "8748": "ug/L", "8725": "ng/L", "8736": "nmol/L",
    "8729": "pmol/L", "9557": "meq/L", "8815": "10*6/uL", "8583": "fL", "8564": "pg",
    "8555": "s", "9529": "kg", "8582": "cm", "8587": "mL", "8519": "L", "9289": "[degF]",
    "586323": "Cel", "8653": "Cel", "8523": "1", "9531": "kg/m2", "8923": "[IU]/L",
    "9040": "m[IU]/L", "9093": "u[IU]/mL", "8985": "[IU]/mL", "8550": "min", "8505": "h",
    "8512": "d", "9580": "mo", "9448": "a", "9593": "ms", "9327": "[in_i]", "9330": "[in_i]",
    "9546": "m", "8739": "[lb_av]", "8504": "g", "9523": "K", "44777602": "kPa",
    "44777590": "cm[H2O]", "8647": "/uL", "8961": "10*3/uL", "8734": "10*12/L", "8859": "ug/mL",
    "8861": "mg/mL", "9579": "mmol/mol", "32995": "ukat/L", "8698": "L/min", "8752": "mm/h",
    "8862": "mosm/kg", "720870": "mL/min/{1.73_m2}", "9117": "mL/min/{1.73_m2}",
    "32707": "ng/mL{FEU}", "8989": "ug/mL{FEU}", "44777663": "mg/L{FEU}",
  ]
}
