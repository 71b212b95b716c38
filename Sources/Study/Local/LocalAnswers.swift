import BoostedTrees
import Cohort
import LinearModels
import PortableNumerics
import Validation

/// What one site answers: the repertoire applied to the site's own cohort.
///
/// The only code of the program that sees rows. It computes and returns; whether an answer may leave
/// is decided elsewhere.
public struct LocalAnswers: Sendable {
  /// The site's name in the roster.
  public let site: String
  let plan: StudyPlan
  let cohort: CohortTable
  /// Secret of this site and this run of the study, 32 bytes, from which the randomness of its noisy
  /// releases is derived; nil for no noise, which only tests and oracles may ask for.
  let noiseKey: [UInt8]?
  /// Whose each row is, where some patient has several; nil where every row is another patient's.
  let owners: [Int32]?
  /// Design matrices of all rows, by the transform that made them; one transform is in use at a time.
  private var prepared: Prepared?
  /// The same without equations, kept where similar cases fill numbers beside them: donors are looked for once
  /// for all cycles.
  private var similar: (transform: FrozenTransform, design: DesignMatrix)?
  /// How often donors were looked for.
  private(set) var donorSearchCount = 0
  /// The trees being grown.
  var treeWork = TreeWork()
  /// Threads for growing trees.
  let crew: WorkCrew

  struct Prepared: Sendable {
    let transform: FrozenTransform
    let design: Matrix
  }

  /// Scale of one patient's standardised value and its square in a sum of moments.
  static let momentUnit = 0x1p20
  /// Largest magnitude of a standardised value in a sum of moments.
  static let momentBound = 32.0

  /// - Parameter crew: threads that may grow trees.
  public init(
    site: String, plan: StudyPlan, cohort: CohortTable, noiseKey: [UInt8]?,
    crew: WorkCrew = .single
  ) {
    self.site = site
    self.crew = crew
    self.noiseKey = noiseKey
    self.plan = plan
    self.cohort = cohort
    owners = cohort.patientCount == cohort.rowCount ? nil : cohort.patients
  }

  /// Hands everything over and keeps no part of the trees being grown: a step then changes them in
  /// place, where a second holder would make it copy them. What comes back is assigned to the variable.
  public mutating func handOver() -> LocalAnswers {
    defer { treeWork = TreeWork() }
    return self
  }

  /// Rows of this site's cohort.
  public var rowCount: Int { cohort.rowCount }

  /// The answer to a sum query: one integer vector, computed per patient and added up.
  public mutating func answer(_ query: SumQuery) throws -> [Int64] {
    switch query {
    case .profile: return profile()
    case .flow: return try flowCounts()
    case .levels(let requests):
      var vocabularies = cohort.features.map { _ in [String]() }
      for request in requests { vocabularies[request.feature] = request.levels }
      return try cohort.levelCounts(vocabularies: vocabularies, .training)
    case .below(let requests): return try below(requests)
    case .moments(let requests): return requests.flatMap { moments($0) }
    case .screen(let query): return try screenCounts(query)
    case .directions(let query): return try directions(query)
    case .crossProducts(let query): return try crossProducts(query)
    case .newton(let query):
      let design = try prepare(query.transform)
      let rows = cohort.rowIndices(.training)
      var answer: [Int64] = []
      for fit in query.fits {
        answer += try LogisticNewton.answer(
          beta: fit.coefficients, design: design, outcome: cohort.outcome,
          rows: fit.excludedSite == site ? [] : rows)
      }
      return answer
    case .averaging(let query): return try averaging(query)
    case .marginals(let query): return try marginals(query)
    case .privateStep(let query): return try privateStep(query)
    case .privateTrees(let query): return try privateTrees(query)
    case .treeGrowth(let query): return try treeGrowth(query)
    case .shapes(let query): return try shapes(query)
    case .contributions(let query): return try contributions(query)
    case .background(let query): return try background(query)
    case .vote(let query): return try vote(query)
    }
  }

  /// The risks that a model gives to rows of this site's cohort.
  mutating func risks(
    of model: NamedModel, transform: FrozenTransform, rows: [Int]? = nil
  ) throws -> [Double] {
    if let trees = model.trees { return try trees.predict(cohort, rows: rows) }
    let design = try prepare(transform)
    return try LogisticNewton.predict(
      beta: model.coefficients, design: rows.map { design.selectingRows($0) } ?? design)
  }

  /// All of the cohort's rows in the transform's columns; donors of similar cases are this site's training
  /// rows.
  mutating func prepare(_ transform: FrozenTransform) throws -> Matrix {
    if let prepared, prepared.transform == transform { return prepared.design }
    let applied = try applied(transform)
    let design = try Matrix(
      rows: applied.rowCount, columns: applied.columnCount, storage: applied.values)
    prepared = Prepared(transform: transform, design: design)
    return design
  }

  /// The design of all rows, with what does not change between the cycles of equations kept.
  private mutating func applied(_ transform: FrozenTransform) throws -> DesignMatrix {
    let donors = cohort.rowIndices(.training)
    guard transform.completion?.similarCases != nil else {
      return try transform.apply(to: cohort, donors: donors)
    }
    let base = try transform.withoutEquations
    if similar?.transform != base {
      donorSearchCount += 1
      similar = (base, try base.apply(to: cohort, donors: donors))
    }
    guard let similar else { return try transform.apply(to: cohort, donors: donors) }
    return try transform.addEquations(to: similar.design, of: cohort)
  }

  private func profile() -> [Int64] {
    let training = cohort.rowIndices(.training)
    let holdout = cohort.rowIndices(.holdout)
    func events(_ rows: [Int]) -> Int64 { Int64(rows.count { cohort.outcome[$0] == 1 }) }
    var answer: [Int64] = [
      Int64(training.count), events(training), Int64(holdout.count), events(holdout),
    ]
    for column in cohort.columns {
      answer.append(Int64(training.count { !column.isMissing($0) }))
      if case .flag(let values) = column {
        answer.append(Int64(training.count { values[$0] == 1 }))
      } else {
        answer.append(0)
      }
    }
    return answer
  }

  private func below(_ requests: [SumQuery.ProbeRequest]) throws -> [Int64] {
    var probes = cohort.features.map { _ in [Double]() }
    for request in requests { probes[request.feature] = request.probes }
    let counts = try cohort.countsBelow(probes: probes, .training)
    var offsets: [Int: Int] = [:]
    var offset = 0
    for feature in probes.indices {
      offsets[feature] = offset
      offset += probes[feature].count
    }
    let training = cohort.rowIndices(.training)
    return requests.flatMap { request -> [Int64] in
      let start = offsets[request.feature] ?? 0
      let present = training.count { !cohort.columns[request.feature].isMissing($0) }
      return counts[start..<(start + request.probes.count)] + [Int64(present)]
    }
  }

  private func moments(_ request: SumQuery.MomentRequest) -> [Int64] {
    var answer: [Int64] = [0, 0, 0]
    let values = cohort.numbers(request.feature)
    for row in cohort.rowIndices(.training) where !values[row].isNaN {
      let raw = (values[row] - request.center) / request.scale
      let value = min(max(raw, -Self.momentBound), Self.momentBound)
      answer[0] += 1
      answer[1] += Int64((value * Self.momentUnit).rounded(.toNearestOrEven))
      answer[2] += Int64((value * value * Self.momentUnit).rounded(.toNearestOrEven))
    }
    return answer
  }
}
