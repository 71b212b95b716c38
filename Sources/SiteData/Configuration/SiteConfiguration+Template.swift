extension SiteConfiguration {
  /// The text of a `site.yaml` that decodes to this configuration, with a comment per section: what
  /// `wardround site join` writes for a person to complete. Paths are written as they stand; where
  /// records are is left to the person.
  public func yaml() -> String {
    var text = """
      # Settings of one site agent. Unknown keys are refused; `wardround site check` explains the rest.
      site: \(Self.quoted(site))
      legal_entity: \(Self.quoted(legalEntity))

      aggregator:
        host: \(Self.quoted(aggregator.host))
        port: \(aggregator.port)
        enrolment_port: \(aggregator.enrolmentPort)

      # Folders; relative ones start here. Private keys never leave `identity`.
      identity: \(Self.quoted(identity))
      store: \(Self.quoted(store))

      # What this hospital allows. It always wins over what a study asks for.
      policy:
        minimum_cohort: \(policy.minimumCohort)
        minimum_sites_in_sum: \(policy.minimumSitesInSum)
        minimum_cell: \(policy.minimumCell)
        auto_approve: \(policy.autoApprove)
        disclose: [\(policy.disclose.map(Self.quoted).joined(separator: ", "))]
        # What studies under differential privacy may learn about one patient (`wardround site ledger`).
        privacy:
          required: \(policy.privacy.isRequired)
          epsilon_per_study: \(policy.privacy.epsilonPerStudy)
          epsilon_total: \(policy.privacy.epsilonInTotal)
          delta: \(policy.privacy.delta)
          two_persons: \(policy.privacy.needsTwoPersons)

      """
    if let queries = policy.allowedQueries {
      text += "  allowed_queries: [\(queries.map(Self.quoted).joined(separator: ", "))]\n"
    }
    if policy.nearRepetition { text += "  near_repetition: true\n" }
    if let members = policy.members {
      text += "  members: [\(members.map(Self.quoted).joined(separator: ", "))]\n"
    }
    guard let data else { return text }
    return text + "\n# The file and its columns. Only declared columns can be used by a study.\n"
      + data.yaml()
  }

  static func quoted(_ text: String) -> String {
    let isPlain =
      !text.isEmpty
      && text.utf8.allSatisfy {
        ($0 | 0x20 >= UInt8(ascii: "a") && $0 | 0x20 <= UInt8(ascii: "z")) || $0 == 0x5F
          || $0 == 0x2D || $0 == 0x2F || ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x2E
      } && text.first?.isLetter == true
      && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(text.lowercased())
    if isPlain { return text }
    var escaped = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": escaped += "\\\""
      case "\\": escaped += "\\\\"
      case "\n": escaped += "\\n"
      case "\t": escaped += "\\t"
      case "\r": escaped += "\\r"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped + "\""
  }
}

extension DataDescription {
  /// The `data:` section that decodes to this description.
  public func yaml() -> String {
    func list(_ texts: [String]) -> String {
      "[" + texts.map(SiteConfiguration.quoted).joined(separator: ", ") + "]"
    }
    var text = "data:\n  file: \(SiteConfiguration.quoted(file))\n  format: csv\n"
    text += "  delimiter: \(SiteConfiguration.quoted(String(UnicodeScalar(delimiter))))\n"
    text += "  header: \(hasHeader)\n  encoding: \(encoding.rawValue)\n"
    if hasDecimalComma { text += "  decimal: \",\"\n" }
    if !missingCodes.isEmpty { text += "  missing: \(list(missingCodes))\n" }
    if let patientColumn {
      text += "  patient_id: \(SiteConfiguration.quoted(patientColumn))\n"
    }
    guard !columns.isEmpty else { return text }
    text += "  columns:\n"
    for column in columns {
      text += "    - {name: \(SiteConfiguration.quoted(column.name)), type: \(column.type.rawValue)"
      if let unit = column.unit { text += ", unit: \(SiteConfiguration.quoted(unit))" }
      if !column.missingCodes.isEmpty { text += ", missing: \(list(column.missingCodes))" }
      if !column.levelNames.isEmpty {
        let pairs = column.levelNames.sorted { $0.key < $1.key }.map {
          "\(SiteConfiguration.quoted($0.key)): \(SiteConfiguration.quoted($0.value))"
        }
        text += ", levels: {\(pairs.joined(separator: ", "))}"
      } else if let levels = column.levels {
        text += ", levels: \(list(levels))"
      }
      if let range = column.range { text += ", range: [\(range.lowerBound), \(range.upperBound)]" }
      text += "}\n"
    }
    return text
  }
}
