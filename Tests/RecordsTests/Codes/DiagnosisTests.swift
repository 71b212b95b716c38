import Records
import Testing

@Suite struct DiagnosisTests {
  private func code(_ text: String) throws -> DiagnosisCode { try #require(DiagnosisCode(text)) }

  @Test func texts() throws {
    #expect(try code("icd9cm:428.0").code == "4280")
    #expect(try code("icd10cm:i50.9").code == "I509")
    #expect(try code("icd10gm:A17.0+").code == "A170")
    #expect(DiagnosisCode("loinc:8480-6") == nil)
    #expect(DiagnosisCode("428.0") == nil)
    #expect(DiagnosisCode("icd:428.0") == nil)
    #expect(DiagnosisCode("icd:428.0", undeclared: .icd9)?.system == .icd9)
    #expect(DiagnosisCode("icd9cm:42") == nil)
  }

  @Test(arguments: [
    ("icd9cm:038.9", "infectious"), ("icd9cm:250.00", "endocrine_metabolic"),
    ("icd9cm:V45.1", "health_status_contact"), ("icd9cm:E888.9", "external_causes"),
    ("icd10:C7A.1", "neoplasms"), ("icd10:O9A.1", "pregnancy"), ("icd10:I10", "circulatory"),
    ("icd10:H61.0", "ear"), ("icd10:T98.3", "injury_poisoning"),
  ])
  func chapters(text: String, key: String) throws {
    #expect(try code(text).chapter == key)
  }

  @Test(arguments: [
    ("icd9cm:250.83", "diabetes"), ("icd9cm:785.5", "circulatory"), ("icd9cm:410", "circulatory"),
    ("icd9cm:786.5", "respiratory"), ("icd9cm:V27.0", "other"), ("icd9cm:276.1", "other"),
    ("icd9cm:820", "injury"), ("icd9cm:157.9", "neoplasms"),
  ])
  func strackGroups(text: String, key: String) throws {
    #expect(try code(text).strackGroup == key)
    #expect(DiagnosisGrouping.strack.keys.contains(key))
  }

  @Test func comorbidities() throws {
    #expect(DiagnosisGrouping.charlson.keys.count == 17)
    #expect(DiagnosisGrouping.elixhauser.keys.count == 31)
    #expect(DiagnosisGrouping.charlson.groups(of: try code("icd10:I50.9")) == ["chf"])
    #expect(DiagnosisGrouping.charlson.groups(of: try code("icd9cm:39891")) == ["chf"])
    #expect(DiagnosisGrouping.charlson.groups(of: try code("icd9cm:799.9")) == [])
    #expect(DiagnosisGrouping.elixhauser.contains(try code("icd10:I48.0"), "carit"))
  }

  /// The more severe condition hides the milder one.
  @Test func scores() {
    #expect(Comorbidity.score(.charlson, ["mi", "chf"]) == 2)
    #expect(Comorbidity.score(.charlson, ["diab", "diabwc"]) == 2)
    #expect(Comorbidity.score(.charlson, ["canc", "metacanc"]) == 6)
    #expect(Comorbidity.score(.charlson, ["mld", "msld"]) == 3)
    #expect(Comorbidity.score(.elixhauser, ["chf"]) == 7)
    #expect(Comorbidity.score(.charlson, []) == 0)
    #expect(Comorbidity.agePoints(49.9) == 0)
    #expect(Comorbidity.agePoints(50) == 1)
    #expect(Comorbidity.agePoints(79) == 3)
    #expect(Comorbidity.agePoints(101) == 4)
  }

  @Test func votes() {
    var vote = CodeSystemVote()
    #expect(vote.system == nil)
    for code in ["4280", "25000", "E8889", "V462", "0389"] { vote.add(code) }
    #expect(vote.system == .icd9)
    #expect(vote.ambiguousCount == 2)
    for code in ["I509", "J189", "C7A1"] { vote.add(code) }
    #expect(vote.system == nil, "a mixture is nobody's majority")
    var newer = CodeSystemVote()
    for code in ["I50.9", "E11.9", "J18.9", "Z99.2"] { newer.add(code) }
    #expect(newer.system == .icd10)
    newer.add("hello, world")
    #expect(newer.unknownCount == 1)
  }

  @Test func patterns() {
    #expect(CodePattern("icd10cm:I50*") == .prefix("icd10cm:I50"))
    #expect(CodePattern("charlson:chf") == .group(.charlson, "chf"))
    #expect(CodePattern("loinc:8480-6") == .exact("loinc:8480-6"))
    for text in ["a*", "strack:diabetes", "x"] { #expect(CodePattern(text).text == text) }
    #expect(CodePattern("icd10:i50.9") == .exact("icd10:I509"))
    #expect(CodePattern("icd9cm:428.*") == .prefix("icd9cm:428"))
    #expect(CodePattern("Charlson:chf") == .group(.charlson, "chf"))
    #expect(CodePattern("loinc:8480-6*") == .prefix("loinc:8480-6"))
    #expect(
      CodePattern("charlson:chd").isUnknownGroup && !CodePattern("charlson:chf").isUnknownGroup)
  }

  /// Words that would make a code system nobody groups.
  @Test func systems() {
    for word in ["icd", "icd10", "icd9cm", "icd10gm", "loinc", "snomed", "", "omop"] {
      #expect(!DiagnosisCode.isMisspelt(system: word), "\(word)")
    }
    for word in ["ICD10", "icd-10", "icd9", "ICD-9-CM", "icd10 gm", "icd11"] {
      #expect(DiagnosisCode.isMisspelt(system: word), "\(word)")
    }
    #expect(DiagnosisCode.normalised("icd:i50.9") == "icd:I509")
    #expect(DiagnosisCode.normalised("note: i50.9") == "note: i50.9")
  }

  @Test func aGroupThatIsNotThereIsRefused() throws {
    let recipe = RecordsRecipe(
      variables: [RecordVariable("x", codes: [.group(.charlson, "chd")])],
      index: IndexRule(.start),
      features: [FeatureRequest(Measure("x", .ever, .present), name: "x")])
    let error = #expect(throws: RecordsError.self) { try recipe.validate() }
    #expect(error?.detail.contains("charlson:chd") == true)
  }
}
