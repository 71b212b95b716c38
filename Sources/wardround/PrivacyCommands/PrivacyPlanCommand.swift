import ArgumentParser
import DifferentialPrivacy
import Foundation
import Study

/// `wardround privacy plan`
struct PrivacyPlanCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Show what a study under differential privacy would release and what it would cost.")

  @Argument(help: "A study's folder, or its study.yaml.")
  var study: String
  @Option(help: "How many sites take part, for the table of colluders.")
  var sites = 5
  @Flag(help: "Print one JSON object.")
  var json = false

  fileprivate struct Row: Encodable {
    var release: String
    var patients: PatientGroup
    var kind: String
    var times: Int
    var noiseMultiplier: Double
    var samplingRate: Double
  }

  fileprivate struct Report: Encodable {
    var epsilon: Double
    var delta: Double
    /// By the ledger's arithmetic: μ², and Rényi divergences where steps are sampled.
    var provenEpsilon: Double
    /// By privacy loss distributions, for training and for holdout patients.
    var lossDistributionEpsilon: [String: Double]
    var byColluders: [Double]
    var releases: [Row]
  }

  func run() async throws {
    try await CommandFailure.reporting {
      let isFile = study.hasSuffix(".yaml") || study.hasSuffix(".yml")
      let path = isFile ? study : study + "/study.yaml"
      let plan = try StudyPlan(yaml: try InputFile.text(path), file: path)
      guard let privacy = try PrivacyPlan(plan) else {
        throw ValidationError(
          "the study has no differential privacy; state `epsilon` and `delta` in its `privacy` section"
        )
      }
      let report = try Report(privacy, plan: plan, sites: max(sites, 3))
      if json { return try Output.json(report) }
      print("Asked for: epsilon \(report.epsilon) at delta \(report.delta), per patient.")
      Output.table(
        ["release", "patients", "kind", "times", "noise", "sampling"],
        report.releases.map {
          [
            $0.release, "\($0.patients)", $0.kind, "\($0.times)",
            String(format: "%.3f", $0.noiseMultiplier), String(format: "%.4g", $0.samplingRate),
          ]
        })
      print("Noise: standard deviation in units of the most that one patient can change.")
      print("Proven by the ledger's arithmetic: epsilon \(Self.text(report.provenEpsilon))")
      for (group, epsilon) in report.lossDistributionEpsilon.sorted(by: { $0.key < $1.key }) {
        print("By privacy loss distributions, \(group) patients: epsilon \(Self.text(epsilon))")
      }
      for (count, epsilon) in report.byColluders.enumerated() {
        print(
          "With \(count) of \(max(sites, 3)) sites colluding: epsilon \(Self.text(epsilon))")
      }
    }
  }

  private static func text(_ value: Double) -> String { String(format: "%.4f", value) }
}

extension PrivacyPlanCommand.Report {
  fileprivate init(_ privacy: PrivacyPlan, plan: StudyPlan, sites: Int) throws {
    epsilon = privacy.goal.epsilon
    delta = privacy.goal.delta
    provenEpsilon = privacy.epsilon
    var byGroup: [String: Double] = [:]
    for group in [PatientGroup.training, .holdout] {
      let events = privacy.releases.filter {
        $0.noise.group == group || $0.noise.group == .everybody
      }.map { release -> PrivacyEvent in
        let one = PrivacyEvent.gaussian(noiseMultiplier: release.noiseMultiplier)
        return .repeated(
          release.count,
          release.noise.samplingRate < 1
            ? .poissonSampled(rate: release.noise.samplingRate, one) : one)
      }
      byGroup["\(group)"] = try PrivacyLossAccountant(.composed(events)).epsilon(
        delta: privacy.goal.delta)
    }
    lossDistributionEpsilon = byGroup
    let planned = min(plan.privacy.maximumColluders, sites - 1)
    byColluders = (0...min(planned + 1, sites - 1)).map {
      privacy.epsilon(colluders: $0, planned: planned, sites: sites)
    }
    releases = privacy.releases.map {
      .init(
        release: $0.purpose, patients: $0.noise.group,
        kind: $0.isSum ? "secure sum" : "site answer", times: $0.count,
        noiseMultiplier: $0.noiseMultiplier, samplingRate: $0.noise.samplingRate)
    }
  }
}
