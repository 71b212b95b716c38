import ArgumentParser
import DemoData
import Foundation
import SiteData

/// `wardround demo`
struct DemoCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Make a network of real processes on this machine and run a study over it.",
    discussion: """
      Without options: five hospitals with synthetic admissions. With --study: another study over \
      their columns. With --study and --data: any study over a folder with one file, or one folder \
      of records, per site; its name is the site's name. Every hospital is \
      a process of its own, joined over mutual TLS on the loopback interface.
      """)

  @Option(help: "A study's folder, or its study.yaml.")
  var study: String?
  @Option(help: "A folder with one CSV, or one folder of records, per site.")
  var data: String?
  @Option(help: "Folder of the run, made anew.")
  var output = "demo-run"
  @Option(help: "Scales the synthetic hospitals, 0 < share ≤ 1.")
  var share = 1.0
  @Flag(help: "End in one JSON object on standard output.")
  var json = false
  @Flag(help: "Leave the processes running after the report.")
  var keepRunning = false

  func validate() throws {
    guard study != nil || data == nil else {
      throw ValidationError("--data needs a --study over it")
    }
    guard share > 0, share <= 1 else { throw ValidationError("--share is above 0 and at most 1") }
  }

  func run() async throws {
    try await CommandFailure.reporting {
      // What a person gave is checked before anything is made.
      let input: StudyInput
      var sites: [DemoNetwork.Site] = []
      if let study, let data {
        input = try StudyInput(study: study)
        sites = try input.siteSections(in: data).map {
          .init(
            name: $0.source.site, legalEntity: $0.source.site, file: $0.source.file,
            dataSection: $0.section)
        }
      } else {
        input = try StudyInput(study: try study ?? DemoFolder.exampleStudy())
      }
      let folder = try DemoFolder(output)
      if sites.isEmpty {
        sites = try DemoHospitals.generate(share: share).map { site in
          .init(
            name: site.hospital.name, legalEntity: site.hospital.legalEntity,
            file: try folder.write(site), dataSection: site.dataSection)
        }
      }
      let network = DemoNetwork(folder: folder, display: ProgressDisplay())
      try await network.run(
        input, sites: sites, json: json, keepRunning: keepRunning)
    }
  }
}
