import ArgumentParser
import Cohort
import Foundation
import SiteData
import Study

/// The sites of a study over tables or over records, on a researcher's own machine.
extension StudyInput {
  /// A site's way to its cohort.
  typealias Loader = @Sendable (StudyPlan) async throws -> CohortTable

  /// Records of one site: a `records.yaml`, and the folder at which its file names start.
  private struct RecordsPlace {
    var file: String
    var folder: String

    /// The `data:` section of a site.yaml.
    var yaml: String {
      func quoted(_ path: String) -> String {
        "\"" + path.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
      }
      return "data:\n  records: {file: \(quoted(file)), folder: \(quoted(folder))}\n"
    }

    func description() throws -> RecordsDescription {
      try RecordsDescription.read(path: file, folder: folder)
    }
  }

  /// The sites of a folder with what each one's `data:` section says.
  func siteSections(in data: String) throws -> [(source: Source, section: String)] {
    guard plan.records != nil else {
      return try Self.files(in: data).map { ($0, try dataDescription(for: $0.file).yaml()) }
    }
    return try recordsSites(in: data).map { ($0, $1.yaml) }
  }

  /// The sites, and each site's way to its cohort, by its name. With `siteColumn` the data are read at
  /// once and shared out.
  func sources(
    in data: String, by siteColumn: String?
  ) throws -> (sites: [Source], loaders: [String: Loader]) {
    var loaders: [String: Loader] = [:]
    if let siteColumn {
      let sites: [(source: Source, table: CohortTable)]
      if plan.records == nil {
        sites = try self.sites(in: data, by: siteColumn, cohort: plan.cohort)
      } else {
        sites = try recordsSites(in: data, by: siteColumn)
      }
      for site in sites { loaders[site.source.site] = { [table = site.table] _ in table } }
      return (sites.map(\.source), loaders)
    }
    if plan.records == nil {
      let sites = try Self.files(in: data)
      for source in sites {
        let description = try dataDescription(for: source.file)
        loaders[source.site] = { try SiteData.load(description, cohort: $0.cohort) }
      }
      return (sites, loaders)
    }
    let sites = try recordsSites(in: data)
    for (source, place) in sites {
      let records = try place.description()
      loaders[source.site] = { plan in
        guard let recipe = plan.records else {
          throw ValidationError("the study has no `records` section")
        }
        return try SiteData.load(records, cohort: plan.cohort, recipe: recipe)
      }
    }
    return (sites.map(\.0), loaders)
  }

  /// The sites of a folder of records: every folder in it, and every `SITE.yaml`, is a site.
  private func recordsSites(in data: String) throws -> [(Source, RecordsPlace)] {
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: data).sorted()
    } catch {
      throw ValidationError("the folder `\(data)` cannot be read: \(SystemReason.of(error))")
    }
    var found: [(original: String, stem: String)] = []
    var places: [RecordsPlace] = []
    for name in names where !name.hasPrefix(".") {
      let path = Self.absolute("\(data)/\(name)")
      if Self.isFolder(path) {
        found.append((name, name))
        places.append(try recordsPlace(path))
      } else if name.hasSuffix(".yaml") || name.hasSuffix(".yml") {
        found.append((name, (name as NSString).deletingPathExtension))
        places.append(RecordsPlace(file: path, folder: Self.absolute(data)))
      }
    }
    guard found.count >= 3 else {
      throw ValidationError(
        "`\(data)` has records of \(found.count) sites and a study needs at least 3; put one folder"
          + " per site there, or one SITE.yaml that says where the site's records are")
    }
    let sites = try SiteNaming.siteNames(of: found, kind: "folder or file", remedy: "rename it")
    return zip(zip(sites, found), places).map { names, place in
      (Source(site: names.0, file: "\(data)/\(names.1.original)"), place)
    }
  }

  /// The sites that share one set of records, told apart by a feature of the recipe.
  private func recordsSites(
    in data: String, by feature: String
  ) throws -> [(source: Source, table: CohortTable)] {
    let path = Self.absolute(data)
    let place =
      Self.isFolder(path)
      ? try recordsPlace(path)
      : RecordsPlace(file: path, folder: (path as NSString).deletingLastPathComponent)
    guard let recipe = plan.records else { return [] }
    let split = try SiteData.loadSplit(
      place.description(), by: feature, cohort: plan.cohort, recipe: recipe)
    let names = try SiteNaming.siteNames(
      of: split.map { ($0.name, $0.name) }, kind: "value",
      remedy: "choose another feature than `\(feature)`")
    guard names.count >= 3 else {
      throw ValidationError(
        "`\(feature)` has \(names.count) different values and a study needs at least 3 sites")
    }
    for (name, site) in zip(names, split) where name != site.name {
      ServiceLog.note("site \(name) is `\(PlainText.of(site.name))` in feature `\(feature)`")
    }
    return zip(names, split).map { (Source(site: $0, file: data, word: $1.name), $1.table) }
  }

  /// The records of a folder: as its own `records.yaml` says, else as the study's.
  private func recordsPlace(_ folder: String) throws -> RecordsPlace {
    let own = "\(folder)/records.yaml"
    if FileManager.default.fileExists(atPath: own) {
      return RecordsPlace(file: own, folder: folder)
    }
    guard let recordsFile else {
      throw ValidationError(
        "nothing says how the records in `\(folder)` are read; put a records.yaml there or beside the"
          + " study")
    }
    return RecordsPlace(file: recordsFile, folder: folder)
  }

  static func absolute(_ path: String) -> String {
    path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
  }

  private static func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      && isFolder.boolValue
  }
}
