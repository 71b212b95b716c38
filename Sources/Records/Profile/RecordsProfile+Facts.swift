import Cohort

extension RecordsProfile {
  /// What of the profile a study may ask about, by variable of the recipe.
  public func facts(_ lexicon: Lexicon) -> RecordsFacts {
    let suspicions = unitSuspicions(lexicon)
    return RecordsFacts(
      variables: recipe.variables.enumerated().map { number, variable in
        var unit: String?
        if case .number(let own, _, _) = variable.kind { unit = own }
        let tally = tallies[number]
        return RecordsFacts.Variable(
          name: variable.name, unit: unit,
          patientCount: subjectSeen[number].count(where: \.self), recordCount: tally.eventCount,
          units: units(of: number, lexicon), missingCount: tally.missingCount,
          unknownUnitCount: tally.unknownUnitCount, convertedCount: tally.convertedCount,
          hardRangeCount: tally.hardRangeCount, warnRangeCount: tally.warnRangeCount,
          mistakes: suspicions.filter { $0.variable == variable.name }.map {
            RecordsFacts.Mistake(
              declaredUnit: $0.declaredUnit, likelyUnit: $0.likelyUnit,
              concernsAll: $0.concernsAll, share: $0.share)
          })
      }, recordCount: eventCount, unmappedCount: unmappedCount,
      systems: codeSystems(lexicon).map { RecordsFacts.Unit($0.system, $0.count) })
  }

  /// Values of a number by the unit that they name.
  private func units(of variable: Int, _ lexicon: Lexicon) -> [RecordsFacts.Unit] {
    sketches.filter { $0.key.variable == variable && $0.value.count > 0 }
      .map { key, sketch in
        RecordsFacts.Unit(
          key.unit == Lexicon.none ? "" : lexicon.units.text(key.unit), sketch.count)
      }.sorted { $0.unit.utf8.lexicographicallyPrecedes($1.unit.utf8) }
  }
}
