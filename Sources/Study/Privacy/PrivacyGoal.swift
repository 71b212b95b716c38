import CanonicalBytes
import StrictYAML

/// The differential privacy a study promises to every patient.
///
/// Unit: one patient, all rows at one site together, added or removed (PRIVACY-CORE §4.1). The promise
/// covers everything that leaves the hospitals: every opened sum and every site answer.
public struct PrivacyGoal: Sendable, Hashable {
  /// ε > 0.
  public var epsilon: Double
  /// δ, 0 < δ < 0.1; below one over the number of patients to mean anything.
  public var delta: Double
  /// At how many sites at most the same person may be a patient, ≥ 1. Sensitivities are multiplied by
  /// it.
  public var linkedSites: Int
  /// How many times in the whole study an answer to a sum may leave a site once more, ≥ 0: a round that
  /// broke off after the answers were handed in may have been opened, so asking again costs again. ε is
  /// what the study costs without any; every site refuses what goes beyond ε with all of them.
  public var reopenings: Int

  /// Without a word in the study file.
  public static let defaultReopenings = 2

  public init(
    epsilon: Double, delta: Double, linkedSites: Int = 1, reopenings: Int = defaultReopenings
  ) {
    self.epsilon = epsilon
    self.delta = delta
    self.linkedSites = linkedSites
    self.reopenings = reopenings
  }

  func write(to writer: inout ByteWriter) {
    writer.double(epsilon)
    writer.double(delta)
    writer.integer(UInt32(linkedSites))
    writer.integer(UInt32(reopenings))
  }

  /// Reads `epsilon`, `delta`, `linked_sites` and `reopenings` of a study's `privacy` section; nil without any.
  init?(yaml map: YAMLMapping) throws(YAMLProblem) {
    let epsilon = try map.optionalDouble("epsilon", in: 0.01...50)
    let delta = try map.optionalDouble("delta", in: 1e-12...0.01)
    guard let epsilon else {
      let idle = ["delta", "linked_sites", "reopenings"].first { map.optional($0) != nil }
      if let idle {
        throw map.problem(
          .inconsistent, at: idle,
          "without `epsilon` there is no differential privacy and this has no meaning",
          advice: "add `epsilon`, or remove this line")
      }
      return nil
    }
    guard let delta else {
      throw map.problem(
        .inconsistent, at: "epsilon", "`epsilon` needs `delta`",
        advice: "write for example `delta: 1e-5`, below one over the number of patients")
    }
    self.init(
      epsilon: epsilon, delta: delta,
      linkedSites: try map.integer("linked_sites", in: 1...100, default: 1),
      reopenings: try map.integer("reopenings", in: 0...100, default: Self.defaultReopenings))
  }
}
