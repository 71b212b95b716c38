import Cohort

extension RecordsProfile {
  /// What of the profile a study may ask about, by variable of the recipe.
  public func facts(_ lexicon: Lexicon) -> RecordsFacts {
    let suspicions = unitSuspicions(lexicon)
    return RecordsFacts(
      variables: recipe.variables.enumerated().map { number, variable in
        var unit: String?
        if case .number(let own, _, _) = variable.kind { unit = own }
        return RecordsFacts.Variable(
          name: variable.name, unit: unit, records: owners.variables[number],
          units: units(of: number, lexicon), parts: owners.parts[number],
          mistakes: suspicions.filter { $0.variable == variable.name }.map {
            RecordsFacts.Mistake(
              declaredUnit: $0.declaredUnit, likelyUnit: $0.likelyUnit,
              concernsAll: $0.concernsAll, share: $0.share)
          })
      }, unmapped: owners.unmapped,
      systems: owners.systems.filter { $0.records.count > 0 }
        .sorted { ($1.records.count, $0.name) < ($0.records.count, $1.name) }
        .map { RecordsFacts.Unit($0.name, $0.records) })
  }

  /// Values of a number by the unit that they name.
  private func units(of variable: Int, _ lexicon: Lexicon) -> [RecordsFacts.Unit] {
    owners.units.filter { $0.key.variable == variable }
      .map { key, records in
        RecordsFacts.Unit(key.unit == Lexicon.none ? "" : lexicon.units.text(key.unit), records)
      }.sorted { $0.unit.utf8.lexicographicallyPrecedes($1.unit.utf8) }
  }
}
