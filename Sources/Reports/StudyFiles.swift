import Cohort
import Cryptography
import Foundation
import Study

/// The files a finished study leaves: report, its JSON twin, one model file per model, the frozen
/// transform, transcript.
public struct StudyFiles: Sendable {
  /// One file.
  public struct File: Sendable {
    public var name: String
    public var mediaType: String
    public var bytes: [UInt8]
  }

  /// Version of the software that the files state.
  public static let softwareVersion = "0.1.0"

  /// In the order a person would open them.
  public let all: [File]

  /// Renders everything from the result.
  ///
  /// - Parameters:
  ///   - plan: the study's.
  ///   - head: the transcript's last head.
  ///   - absences: sites that were asked and are not in the study, with the reason.
  ///   - now: time of the report; only printed.
  public init(
    result: StudyResult, plan: StudyPlan, transcript: Transcript, head: Digest,
    absences: [String: String], now: Date = Date()
  ) throws {
    let provenance = ReportProvenance(
      softwareVersion: Self.softwareVersion, transcriptDigest: head.hex,
      generatedAt: now.formatted(.iso8601), absences: absences,
      transcriptFile: "study.transcript")
    var files = [
      File(
        name: "report.html", mediaType: "text/html",
        bytes: Array(HTMLReport.render(result, provenance: provenance).utf8)),
      File(
        name: "report.json", mediaType: "application/json",
        bytes: Array(try ReportJSON(result, provenance: provenance).encoded())),
    ]
    let preparation = FrozenPreparation(plan, result.transform)
    for (index, model) in result.models.enumerated() {
      let file = try AnyModelFile(
        result, model: model.name, features: preparation.features, records: preparation.records,
        transcriptDigest: head.hex)
      files.append(
        File(
          name: Self.modelFileName(model.name, index: index),
          mediaType: "application/json", bytes: Array(try file.encoded())))
    }
    files.append(
      File(
        name: TransformFile.fileName, mediaType: "application/json",
        bytes: Array(try TransformFile(preparation, of: result.study).encoded())))
    files.append(
      File(
        name: "study.transcript", mediaType: "application/octet-stream",
        bytes: transcript.fileBytes))
    all = files
  }

  /// The names of the files that a result leaves.
  public static func names(of result: StudyResult) -> [String] {
    ["report.html", "report.json"]
      + result.models.enumerated().map { modelFileName($1.name, index: $0) }
      + (result.preparation == nil ? [] : [TransformFile.fileName]) + ["study.transcript"]
  }

  /// The primary model has a fixed name.
  private static func modelFileName(_ model: String, index: Int) -> String {
    index == 0 ? "model.json" : ModelFile.fileName(model: model, index: index)
  }
}
