import StrictYAML
import Testing

@testable import SiteData

private let example = """
  site: st-anna
  legal_entity: St. Anna
  aggregator: {host: aggregator.example, port: 9443}
  data:
    file: data/admissions.csv
    delimiter: ";"
    decimal: ","
    missing: ["-9", NA]
    patient_id: id
    columns:
      - {name: id, type: text}
      - {name: sex, type: category, levels: {w: female, m: male}}
      - {name: temp, type: number, unit: "[degF]", missing: ["0"], range: [75, 115]}
      - died
  policy:
    minimum_cohort: 100
    disclose: [leave-one-site-out]
  """

private func decode(_ text: String) throws -> SiteConfiguration {
  try SiteConfiguration.decode(
    text, file: "site.yaml", folder: "/etc/wardround", knownQueries: ["counts", "histogram"],
    knownDisclosures: ["model-by-site-matrix", "leave-one-site-out"])
}

private func problem(_ text: String) -> YAMLProblem? {
  do {
    _ = try decode(text)
    return nil
  } catch {
    return error as? YAMLProblem
  }
}

@Suite struct SiteConfigurationTests {
  @Test func decodesEverySection() throws {
    let site = try decode(example)
    #expect(site.site == "st-anna" && site.legalEntity == "St. Anna")
    #expect(site.aggregator == AggregatorAddress(host: "aggregator.example", port: 9443))
    #expect(site.identity == "/etc/wardround/identity" && site.store == "/etc/wardround/state")
    #expect(site.data?.file == "/etc/wardround/data/admissions.csv")
    #expect(site.data?.delimiter == UInt8(ascii: ";") && site.data?.hasDecimalComma == true)
    #expect(site.data?.missingCodes == ["-9", "NA"] && site.data?.patientColumn == "id")
    #expect(site.data?.column("sex")?.levelNames == ["w": "female", "m": "male"])
    #expect(site.data?.column("sex")?.levels == ["m", "w"])
    #expect(site.data?.column("temp")?.range == 75...115)
    #expect(site.data?.column("died")?.type == .text)
    #expect(site.policy.minimumCohort == 100 && site.policy.disclose == ["leave-one-site-out"])
  }

  @Test func defaultsAreTheCautiousOnes() throws {
    let site = try decode("site: a\naggregator: {host: h}\ndata: {file: /d.csv}\n")
    #expect(site.policy == PolicySettings())
    #expect(!site.policy.autoApprove && site.policy.disclose.isEmpty)
    #expect(site.policy.minimumSitesInSum == 3 && site.policy.minimumCell == 10)
    #expect(site.data?.file == "/d.csv" && site.data?.hasHeader == true)
  }

  @Test func refusesWhatItDoesNotKnow() {
    let typo = problem(example.replacing("minimum_cohort", with: "minimum_cohrot"))
    #expect(typo?.code == .unknownKey && typo?.line == 16)
    #expect(typo?.advice == "did you mean `minimum_cohort`?")
    let word = problem(example.replacing("leave-one-site-out", with: "leave-one-out"))
    #expect(word?.code == .unknownWord)
    #expect(word?.advice.contains("leave-one-site-out") == true)
    #expect(problem(example.replacing("category", with: "categry"))?.code == .unknownWord)
    #expect(problem(example.replacing("st-anna", with: "St Anna"))?.code == .outOfRange)
    #expect(problem(example + "\n  allowed_queries: [everything]")?.code == .unknownWord)
    #expect(problem(example + "\n  minimum_sites_in_sum: 2")?.code == .outOfRange)
  }

  @Test func refusesWhatDoesNotFit() {
    #expect(
      problem(example.replacing("patient_id: id", with: "patient_id: ids"))?.code == .inconsistent)
    #expect(problem(example.replacing("- died", with: "- sex"))?.code == .inconsistent)
    #expect(problem(example.replacing("\";\"", with: "\",\""))?.code == .inconsistent)
    #expect(problem(example.replacing("[75, 115]", with: "[115, 75]"))?.code == .outOfRange)
    #expect(
      problem("site: a\naggregator: {host: h}\ndata: {file: f, header: false}\n")?.code
        == .inconsistent)
  }

  @Test func theTemplateDecodesToItself() throws {
    var site = try decode(example)
    site.policy.allowedQueries = ["counts"]
    site.legalEntity = "St. \"Anna\" – Haus 7: #1"
    let again = try SiteConfiguration.decode(site.yaml(), file: "site.yaml", folder: "/")
    #expect(again == site)
    let bare = try decode("site: a\naggregator: {host: h}\ndata: {file: /d.csv}\n")
    #expect(try SiteConfiguration.decode(bare.yaml(), file: "site.yaml") == bare)
  }
}
