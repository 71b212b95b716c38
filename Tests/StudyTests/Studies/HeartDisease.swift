import Cohort
import Foundation
import SiteData
import TestSupport

@testable import Study

/// The four hospitals of the UCI heart disease data as cohorts of the repository's studies.
enum HeartDisease {
  static let hospitals = ["cleveland", "hungarian", "switzerland", "va"]

  /// Folder of `processed.*.data`; nil where it is not there.
  static let folder: URL? = dataFolder.map { $0.appending(path: "uci_heart") }.flatMap {
    FileManager.default.fileExists(atPath: $0.appending(path: "processed.cleveland.data").path)
      ? $0 : nil
  }

  static func studyFolder(_ name: String) -> String {
    repositoryRoot.appending(path: "studies/\(name)").path
  }

  /// Cohorts by hospital, each read from `file(hospital)` with the study's `data.yaml`.
  static func cohorts(
    _ study: String, _ plan: StudyPlan, file: (String) -> String
  ) throws -> [String: CohortTable] {
    var cohorts: [String: CohortTable] = [:]
    for hospital in hospitals {
      guard let data = try dataDescription(studyFolder(study), file: file(hospital)) else {
        throw TestFault("the study \(study) has no data.yaml")
      }
      cohorts[hospital] = try SiteData.load(data, cohort: plan.cohort)
    }
    return cohorts
  }
}

/// Python with scikit-learn, for oracles that recompute a result from the raw files.
enum Python {
  /// `$WARDROUND_PYTHON`, or `python3`.
  static let interpreter = ProcessInfo.processInfo.environment["WARDROUND_PYTHON"] ?? "python3"

  static let hasScikitLearn: Bool = {
    (try? run(["-c", "import sklearn, numpy"]))?.status == 0
  }()

  /// Runs Python and returns what it printed.
  static func run(_ arguments: [String]) throws -> (status: Int32, output: Data) {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [interpreter] + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, output)
  }
}
