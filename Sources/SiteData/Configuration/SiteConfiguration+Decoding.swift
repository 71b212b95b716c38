import Foundation
import StrictYAML

extension SiteConfiguration {
  private static let keys = [
    "site", "legal_entity", "aggregator", "identity", "store", "data", "policy",
  ]
  private static let policyKeys = [
    "minimum_cohort", "minimum_sites_in_sum", "minimum_cell", "allowed_queries", "auto_approve",
    "privacy", "disclose", "members", "near_repetition",
  ]

  /// Reads a `site.yaml`. Relative paths in it start at its own folder.
  ///
  /// - Parameters:
  ///   - knownQueries: the queries the agent knows; a word in `allowed_queries` outside them is
  ///     refused. Nil accepts any word.
  ///   - knownDisclosures: the same for `disclose`.
  public static func read(
    path: String, knownQueries: [String]? = nil, knownDisclosures: [String]? = nil
  ) throws(YAMLProblem) -> SiteConfiguration {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw YAMLProblem(
        .missingKey, file: path, line: 0, column: 0, keyPath: "",
        message: "the file cannot be read",
        advice: "check the path; `wardround site join` writes a first site.yaml")
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw YAMLProblem(
        .syntax, file: path, line: 0, column: 0, keyPath: "", message: "the file is not UTF-8",
        advice: "save it as UTF-8")
    }
    let folder = (path as NSString).deletingLastPathComponent
    return try decode(
      text, file: path, folder: folder, knownQueries: knownQueries,
      knownDisclosures: knownDisclosures)
  }

  /// Decodes the text of a `site.yaml`.
  public static func decode(
    _ text: String, file: String, folder: String = "", knownQueries: [String]? = nil,
    knownDisclosures: [String]? = nil
  ) throws(YAMLProblem) -> SiteConfiguration {
    let map = try YAMLDocument(text: text, file: file).root.mapping(keys: keys)
    let name = try map.string("site")
    guard isSiteName(name) else {
      throw map.problem(
        .outOfRange, at: "site", "this cannot be a site's name",
        advice: "use lower-case letters, digits and `-`, at most 63")
    }
    let (data, records) = try sources(map.required("data"), folder: folder)
    let address = try map.mapping("aggregator", keys: ["host", "port", "enrolment_port"])
    return SiteConfiguration(
      site: name, legalEntity: try map.optionalString("legal_entity") ?? name,
      aggregator: AggregatorAddress(
        host: try address.string("host"),
        port: try address.integer("port", in: 1...65_535, default: 8443),
        enrolmentPort: try address.integer("enrolment_port", in: 1...65_535, default: 8444)),
      identity: DataDescription.resolve(
        try map.optionalString("identity") ?? "identity", folder: folder),
      store: DataDescription.resolve(try map.optionalString("store") ?? "state", folder: folder),
      data: data, records: records,
      policy: try policy(
        map, knownQueries: knownQueries, knownDisclosures: knownDisclosures))
  }

  /// The `data:` section: a table's description, `records:`, or both.
  private static func sources(
    _ node: YAMLNode, folder: String
  ) throws(YAMLProblem) -> (DataDescription?, RecordsDescription?) {
    let map = try node.mapping(keys: DataDescription.keys + ["records"])
    let records = try map.optional("records").map { (node) throws(YAMLProblem) in
      try RecordsDescription(site: node, folder: folder)
    }
    guard DataDescription.keys.contains(where: { map.optional($0) != nil }) || records == nil
    else { return (nil, records) }
    return (try DataDescription(from: map, folder: folder), records)
  }

  private static func policy(
    _ map: YAMLMapping, knownQueries: [String]?, knownDisclosures: [String]?
  ) throws(YAMLProblem) -> PolicySettings {
    let standard = PolicySettings()
    guard let policy = try map.optionalMapping("policy", keys: policyKeys) else { return standard }
    func words(_ key: String, known: [String]?) throws(YAMLProblem) -> [String]? {
      guard let node = policy.present(key) else { return nil }
      var found: [String] = []
      for element in try node.list() {
        if let known {
          found.append(try element.choice(known.map { ($0, $0) }))
        } else {
          found.append(try element.string())
        }
      }
      return found
    }
    return PolicySettings(
      minimumCohort: try policy.integer(
        "minimum_cohort", in: 1...1_000_000_000, default: standard.minimumCohort),
      minimumSitesInSum: try policy.integer(
        "minimum_sites_in_sum", in: 3...1000, default: standard.minimumSitesInSum),
      minimumCell: try policy.integer(
        "minimum_cell", in: 1...1_000_000, default: standard.minimumCell),
      allowedQueries: try words("allowed_queries", known: knownQueries),
      autoApprove: try policy.boolean("auto_approve", default: standard.autoApprove),
      disclose: try words("disclose", known: knownDisclosures) ?? standard.disclose,
      members: try words("members", known: nil),
      nearRepetition: try policy.boolean("near_repetition", default: standard.nearRepetition),
      privacy: try privacy(policy))
  }

  private static func privacy(_ policy: YAMLMapping) throws(YAMLProblem) -> PrivacyBudget {
    let standard = PrivacyBudget()
    let keys = ["required", "epsilon_per_study", "epsilon_total", "delta", "two_persons"]
    guard let map = try policy.optionalMapping("privacy", keys: keys) else { return standard }
    return PrivacyBudget(
      isRequired: try map.boolean("required", default: standard.isRequired),
      epsilonPerStudy: try map.double(
        "epsilon_per_study", in: 0.01...1000, default: standard.epsilonPerStudy),
      epsilonInTotal: try map.double(
        "epsilon_total", in: 0.01...1000, default: standard.epsilonInTotal),
      delta: try map.double("delta", in: 1e-12...0.01, default: standard.delta),
      needsTwoPersons: try map.boolean("two_persons", default: standard.needsTwoPersons))
  }
}
