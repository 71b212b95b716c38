import ArgumentParser
import DifferentialPrivacy
import Foundation
import SecureAggregation
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
    /// By the ledger's arithmetic, where every sum is opened once.
    var provenEpsilon: Double
    /// What gives it: "gaussian-privacy" (μ², exact) or, where steps are sampled, "renyi-divergences".
    var accountant: String
    var reopenings: Int
    /// The same when the reserve of reopenings is used up; beyond it every site refuses.
    var largestEpsilon: Double
    /// Of zero-concentrated differential privacy; absent where steps are sampled.
    var rho: Double?
    /// ε that ρ alone implies.
    var concentratedEpsilon: Double?
    /// By Rényi divergences at signed fractional orders, the larger of both groups.
    var renyiEpsilon: Double
    /// By privacy loss distributions, for training and for holdout patients.
    var lossDistributionEpsilon: [String: Double]
    /// How many colluding sites the noise is shared out for.
    var plannedColluders: Int
    /// ε by the number of sites that tell their noise, from none, for the worst set of sites present.
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
      let accountant =
        report.rho == nil
        ? "Rényi divergences at integer orders (steps are sampled)"
        : "Gaussian differential privacy (exact, Balle and Wang)"
      print("Proven by the ledger's arithmetic: epsilon \(Self.text(report.provenEpsilon))")
      print("  accountant: \(accountant)")
      print(
        "At most, with \(report.reopenings) sums asked again after a round broke off: epsilon"
          + " \(Self.text(report.largestEpsilon)); every site refuses what goes beyond")
      print("Second opinion by Rényi divergences: epsilon \(Self.text(report.renyiEpsilon))")
      if let rho = report.rho, let epsilon = report.concentratedEpsilon {
        print(
          "As zero-concentrated differential privacy: rho \(String(format: "%.6g", rho)), which alone"
            + " implies epsilon \(Self.text(epsilon))")
      }
      for (group, epsilon) in report.lossDistributionEpsilon.sorted(by: { $0.key < $1.key }) {
        print("By privacy loss distributions, \(group) patients: epsilon \(Self.text(epsilon))")
      }
      for (count, epsilon) in report.byColluders.enumerated() {
        print(
          "With \(count) of \(max(sites, 3)) sites colluding: epsilon \(Self.text(epsilon))"
            + (count > report.plannedColluders ? " (more than the noise is shared out for)" : ""))
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
    reopenings = privacy.goal.reopenings
    largestEpsilon = privacy.largestEpsilon(delta: delta)
    accountant = privacy.cost.hasSampling ? "renyi-divergences" : "gaussian-privacy"
    rho = privacy.cost.rho
    concentratedEpsilon = try rho.map {
      try ZeroConcentratedPrivacy(rho: $0).epsilon(delta: privacy.goal.delta)
    }
    renyiEpsilon =
      try [PatientGroup.training, .holdout].map {
        try privacy.cost.event(for: $0).renyiCurve().epsilon(delta: privacy.goal.delta)
      }.max() ?? 0
    var byGroup: [String: Double] = [:]
    for group in [PatientGroup.training, .holdout] {
      byGroup["\(group)"] = try PrivacyLossAccountant(privacy.cost.event(for: group)).epsilon(
        delta: privacy.goal.delta)
    }
    lossDistributionEpsilon = byGroup
    let planned = plan.privacy.effectiveColluders(siteCount: sites)
    let threshold = Manifest.threshold(siteCount: sites)
    plannedColluders = planned
    byColluders = try (0...min(planned + 1, threshold - 1)).map {
      try privacy.epsilon(
        colluders: $0, planned: planned, sites: sites, threshold: threshold)
    }
    releases = privacy.releases.map {
      .init(
        release: $0.purpose, patients: $0.noise.group,
        kind: $0.isSum ? "secure sum" : "site answer", times: $0.count,
        noiseMultiplier: $0.noiseMultiplier, samplingRate: $0.noise.samplingRate)
    }
  }
}
