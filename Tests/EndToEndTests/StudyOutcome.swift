/// What `demo --json` and `study simulate --json` print.
struct StudyOutcome: Decodable, Sendable {
  struct Site: Decodable, Sendable {
    var site: String
    var file: String?
    var word: String?
    var auroc: Double?
    var aurocLower: Double?
    var aurocUpper: Double?
  }
  var study: String
  var report: String
  var reportJSON: String
  var model: String
  var transcript: String
  var result: String
  var secondsTotal: Double
  var secondsPerStage: [String: Double]
  var sites: [Site]
  var findings: [String]
}
