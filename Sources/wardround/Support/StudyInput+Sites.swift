import ArgumentParser
import Cohort
import Foundation
import SiteData
import Study

/// Which sites a study over a person's own data has.
extension StudyInput {
  /// A site of the study, and what it is called where its rows come from.
  struct Source {
    /// The site's name.
    var site: String
    /// The file's path.
    var file: String
    /// The word of the site column, when the sites share one file.
    var word: String?
  }

  /// The sites of a folder: every `.csv` and `.data` file is a site, and the last part of its name before
  /// the ending names it (``SiteNaming``). Files that begin with `split_` are left out.
  ///
  /// - Throws: before anything is started, naming the file that gives no name or the two that give one.
  static func files(in folder: String) throws -> [Source] {
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    } catch {
      throw ValidationError(
        "the folder `\(folder)` cannot be read: \(SystemReason.of(error)); give a folder with one file"
          + " per site")
    }
    let files = names.compactMap { name -> (original: String, stem: String)? in
      let parts = name.split(separator: ".")
      guard parts.count >= 2, let ending = parts.last?.lowercased(),
        ["csv", "data"].contains(ending),
        !name.hasPrefix("split_"), !name.hasPrefix(".")
      else { return nil }
      return (name, String(parts[parts.count - 2]))
    }
    guard files.count >= 3 else {
      throw ValidationError(
        "`\(folder)` has \(files.count) .csv or .data files and a study needs at least 3 sites; put"
          + " one file per site there, named after the site")
    }
    let sites = try SiteNaming.siteNames(of: files, kind: "file", remedy: "rename the file")
    return zip(sites, files).map { Source(site: $0, file: "\(folder)/\($1.original)") }
  }

  /// The sites that share one file, told apart by a column whose words name them (``SiteNaming``). What a
  /// name was made from, and rows without a word, are said on standard error.
  ///
  /// - Throws: naming the word that gives no name or the two that give one, and for fewer than 3 sites.
  func sites(
    in file: String, by column: String, cohort: CohortSpecification
  ) throws -> [(source: Source, table: CohortTable)] {
    let split = try SiteData.loadSplit(dataDescription(for: file), by: column, cohort: cohort)
    let names = try SiteNaming.siteNames(
      of: split.sites.map { ($0.name, $0.name) }, kind: "value",
      remedy: "change it in column `\(column)` of `\(file)`")
    guard names.count >= 3 else {
      throw ValidationError(
        "column `\(column)` of `\(file)` names \(names.count) sites and a study needs at least 3")
    }
    for (name, site) in zip(names, split.sites) where name != site.name {
      ServiceLog.note("site \(name) is `\(PlainText.of(site.name))` in column `\(column)`")
    }
    if split.withoutSite > 0 {
      ServiceLog.note(
        "\(split.withoutSite) rows have no word in column `\(column)` and are left out")
    }
    return zip(names, split.sites).map {
      (Source(site: $0, file: file, word: $1.name), $1.table)
    }
  }
}
