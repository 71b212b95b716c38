import Cohort
import Dispatch
import Records

/// The cohort of a study that starts from records.
extension SiteData {
  /// The study's cohort from the site's data: from its records where the study has a recipe, else
  /// from its table.
  ///
  /// - Parameter progress: hears of the reading of records, now and then.
  public static func load(
    _ site: SiteConfiguration, cohort: CohortSpecification, recipe: RecordsRecipe?,
    progress: FeatureExtraction.Progress = { _ in }
  ) throws(SiteDataError) -> CohortTable {
    guard let recipe else { return try load(site, cohort: cohort) }
    guard let records = site.records else {
      throw SiteDataError(
        .unsuitable, file: "site.yaml",
        message: "the study starts from records and `data` says nothing about records",
        advice: "add `records: records.yaml` under `data`, with the sources in that file")
    }
    return try load(records, cohort: cohort, recipe: recipe, progress: progress)
  }

  /// The same on a thread of its own: reading can take hours, and the threads that serve connections
  /// and other studies are as few as the machine has processors.
  public static func loading(
    _ site: SiteConfiguration, cohort: CohortSpecification, recipe: RecordsRecipe?
  ) async throws(SiteDataError) -> CohortTable {
    let result: Result<CohortTable, SiteDataError> = await withCheckedContinuation { continuation in
      DispatchQueue.global(qos: .utility).async {
        let result: Result<CohortTable, SiteDataError>
        do throws(SiteDataError) {
          result = .success(try load(site, cohort: cohort, recipe: recipe))
        } catch {
          result = .failure(error)
        }
        continuation.resume(returning: result)
      }
    }
    return try result.get()
  }

  /// The study's cohort from described records: the recipe's table, row by row, read as a file of this
  /// table would be.
  public static func load(
    _ records: RecordsDescription, cohort: CohortSpecification, recipe: RecordsRecipe,
    progress: FeatureExtraction.Progress = { _ in }
  ) throws(SiteDataError) -> CohortTable {
    do throws(FeatureExtraction.Failure) {
      let extraction = try FeatureExtraction(recipe, records, progress: progress)
      let table = try self.cohort(
        of: extraction.table, isElapsed: extraction.isElapsed, as: cohort)
      // A reading of its own: what a study asks about the records is about all of them, not about what the
      // recipe takes of them.
      return table.with(
        flow: table.flow,
        recordsFacts: try RecordsSurvey.facts(
          recipe, records, undeclared: extraction.undeclaredDiagnoses))
    } catch {
      throw error.siteDataError
    }
  }

  /// The cohorts of the sites that share one set of records, told apart by a feature of the recipe: for
  /// simulations on a researcher's own machine.
  public static func loadSplit(
    _ records: RecordsDescription, by siteFeature: String, cohort: CohortSpecification,
    recipe: RecordsRecipe
  ) throws(SiteDataError) -> [(name: String, table: CohortTable)] {
    do throws(FeatureExtraction.Failure) {
      let (tables, isElapsed) = try FeatureExtraction.split(recipe, records, by: siteFeature)
      guard tables.count <= maximumSites else {
        throw FeatureExtraction.Failure.source(
          SiteDataError(
            .unsuitable, file: "records.yaml", columnName: siteFeature,
            message: "the feature has more than \(maximumSites) different values",
            advice: "choose the feature that names the hospital"))
      }
      var sites: [(name: String, table: CohortTable)] = []
      for (name, table) in tables {
        sites.append((name, try self.cohort(of: table, isElapsed: isElapsed, as: cohort)))
      }
      return sites
    } catch {
      throw error.siteDataError
    }
  }

  /// A recipe's table as a cohort. Its flow is the recipe's, and what the study's own criteria leave.
  static func cohort(
    of table: FeatureTable, isElapsed: Bool, as specification: CohortSpecification
  ) throws(FeatureExtraction.Failure) -> CohortTable {
    do {
      var builder = try CohortBuilder(
        specification,
        columns: table.columnNames.map { name in
          SourceColumn(name, unit: table.column(name)?.unit)
        })
      let names = table.columnNames
      let person = specification.patientColumn.flatMap { names.firstIndex(of: $0) }
      for row in 0..<table.rowCount {
        var fields = table.fields(row, isElapsed: isElapsed)
        // A subject of whom nobody says which person it is stands for itself.
        if let person, fields[person].isEmpty { fields[person] = "subject \(fields[0])" }
        try builder.append(fields, sourceRow: row + 1)
      }
      let cohort = try builder.finish()
      return cohort.with(flow: Self.flow(of: table, cohort, specification))
    } catch {
      throw .source(
        SiteDataError(
          .unsuitable, file: "records", columnName: error.name.isEmpty ? nil : error.name,
          message: error.detail.isEmpty ? error.message : "\(error.message): \(error.detail)",
          advice: "check the study's `records`, `features` and `cohort` sections"))
    }
  }

  /// The steps of `StudyPlan.flowSteps`: those of the recipe, then the study's criteria and the choice
  /// of rows. Of the cohort's own steps, "rows read" is the recipe's last, and outcome and patient are
  /// there in every row.
  private static func flow(
    of table: FeatureTable, _ cohort: CohortTable, _ specification: CohortSpecification
  ) -> [CohortTable.FlowStep] {
    var counts = table.flow.map { (name: $0.name, count: $0.rowCount, leavers: $0.leaverCount) }
    let own = cohort.flow.dropFirst()
    counts += own.prefix(specification.include.count).map {
      ($0.reason, $0.remainingCount, $0.excludedPatientCount)
    }
    if specification.rowsPerPatient != .all, let last = own.last {
      counts.append((last.reason, last.remainingCount, last.excludedPatientCount))
    }
    var before: Int?
    return counts.map { step in
      defer { before = step.count }
      return CohortTable.FlowStep(
        reason: step.name, excludedCount: max(0, (before ?? step.count) - step.count),
        remainingCount: step.count, excludedPatientCount: step.leavers)
    }
  }
}

extension FeatureExtraction.Failure {
  /// The same as an error of a site's data.
  var siteDataError: SiteDataError {
    switch self {
    case .source(let error): error
    case .recipe(let error):
      SiteDataError(
        .unsuitable, file: "records", columnName: error.name.isEmpty ? nil : error.name,
        message: error.description, advice: "check the study's `records` section")
    }
  }
}
