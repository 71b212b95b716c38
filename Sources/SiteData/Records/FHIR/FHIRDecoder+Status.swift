extension FHIRDecoder {
  /// Values of `status` with which a resource is no fact, by type (FHIR R4, the value sets
  /// EncounterStatus, ObservationStatus, medicationrequest-status, EventStatus and
  /// DiagnosticReportStatus). Orders and plans that were stopped later did happen, and stay.
  private static let withdrawnStatuses: [String: Set<String>] = [
    "Encounter": ["planned", "cancelled", "entered-in-error"],
    "Observation": ["cancelled", "entered-in-error"],
    "MedicationRequest": ["draft", "cancelled", "entered-in-error"],
    "Procedure": ["preparation", "not-done", "entered-in-error"],
    "DiagnosticReport": ["cancelled", "entered-in-error"],
  ]

  /// Values of a condition's `verificationStatus` (FHIR R4, ConditionVerificationStatus) with which
  /// it is no fact. Provisional and differential diagnoses are what the ward knew, and stay.
  private static let withdrawnVerifications: Set<String> = ["refuted", "entered-in-error"]

  /// Whether the source says of a resource that what it states was not so, or was not done.
  static func isWithdrawn(_ resource: JSONValue, type: String) -> Bool {
    if type == "Condition" {
      let codings = resource["verificationStatus"]?["coding"]?.elements ?? []
      return codings.contains { $0["code"]?.text.map(withdrawnVerifications.contains) ?? false }
    }
    guard let statuses = withdrawnStatuses[type] else { return false }
    if type == "MedicationRequest", resource["doNotPerform"]?.isTrue == true { return true }
    return resource["status"]?.text.map(statuses.contains) ?? false
  }
}
