import CanonicalBytes
import Cohort
import Cryptography

/// Canonical bytes of the queries. They are what every site derives by itself and what the masks are
/// bound to: a site that derived other bytes cannot take part in the sum.
extension SumQuery {
  public var canonicalBytes: [UInt8] {
    var writer = ByteWriter()
    writer.string("sum")
    writer.string(kind.rawValue)
    switch self {
    case .profile, .flow: break
    case .levels(let requests):
      writer.array(requests) {
        $0.integer(UInt32($1.feature))
        $0.array($1.levels) { $0.string($1) }
      }
    case .below(let requests):
      writer.array(requests) {
        $0.integer(UInt32($1.feature))
        $0.array($1.probes) { $0.double($1) }
      }
    case .moments(let requests):
      writer.array(requests) {
        $0.integer(UInt32($1.feature))
        $0.double($1.center)
        $0.double($1.scale)
      }
    case .screen(let query), .directions(let query): query.write(to: &writer)
    case .crossProducts(let query): query.write(to: &writer)
    case .newton(let query):
      query.transform.write(to: &writer)
      writer.array(query.fits) {
        $0.string($1.model)
        $0.array($1.coefficients) { $0.double($1) }
        $0.optional($1.excludedSite) { $0.string($1) }
      }
    case .averaging(let query):
      query.transform.write(to: &writer)
      query.model.write(to: &writer)
      writer.integer(UInt32(query.round))
      writer.array(query.weights) { $0.double($1) }
    case .marginals(let query):
      writer.array(query.bins) { $1.write(to: &$0) }
      query.noise.write(to: &writer)
    case .privateStep(let query): query.write(to: &writer)
    case .privateTrees(let query): query.write(to: &writer)
    case .treeGrowth(let query): query.write(to: &writer)
    case .shapes(let query): query.write(to: &writer)
    case .contributions(let query): query.write(to: &writer)
    case .background(let query): query.write(to: &writer)
    case .vote(let query): query.write(to: &writer)
    }
    return writer.bytes
  }

  /// Digest of the query behind everything that was published before it.
  ///
  /// `history` is the head of the transcript, so that a different past gives different masks.
  public func digest(after history: Digest) -> Digest {
    Blake2b.hash("wardround.query", history.bytes, canonicalBytes)
  }
}

extension SiteQuery {
  public var canonicalBytes: [UInt8] {
    var writer = ByteWriter()
    writer.string("site")
    writer.string(kind.rawValue)
    switch self {
    case .vocabulary(let features, let minimumCell):
      writer.array(features) { $0.integer(UInt32($1)) }
      writer.integer(UInt32(minimumCell))
    case .cohortFlow(let stepCount, let minimumCell):
      writer.integer(UInt32(stepCount))
      writer.integer(UInt32(minimumCell))
    case .harmonisation(let variableCount, let featureCount, let minimumCell):
      writer.integer(UInt32(variableCount))
      writer.integer(UInt32(featureCount))
      writer.integer(UInt32(minimumCell))
    case .ownModel(let request):
      request.transform.write(to: &writer)
      writer.double(request.ridge)
    case .performance(let request):
      request.transform.write(to: &writer)
      writer.array(request.models) { $1.write(to: &$0) }
      writer.optional(request.ownModelRidge) { $0.double($1) }
      writer.double(request.threshold)
      writer.integer(UInt32(request.minimumCell))
    case .distribution(let request):
      writer.array(request.cuts.sorted { $0.key < $1.key }) {
        $0.integer(UInt32($1.key))
        $0.array($1.value) { $0.double($1) }
      }
      writer.array(request.levels.sorted { $0.key < $1.key }) {
        $0.integer(UInt32($1.key))
        $0.array($1.value) { $0.string($1) }
      }
      request.transform.write(to: &writer)
      request.model.write(to: &writer)
      writer.array(request.scoreCuts) { $0.double($1) }
      writer.integer(UInt32(request.minimumCell))
    case .privatePerformance(let request):
      request.transform.write(to: &writer)
      writer.array(request.models) { $1.write(to: &$0) }
      writer.array(request.cuts) { $0.double($1) }
      request.noise.write(to: &writer)
    case .privateDistribution(let request):
      writer.array(request.bins) { $1.write(to: &$0) }
      request.transform.write(to: &writer)
      request.model.write(to: &writer)
      writer.array(request.scoreCuts) { $0.double($1) }
      request.noise.write(to: &writer)
    }
    return writer.bytes
  }

  /// Digest of the query behind everything that was published before it.
  public func digest(after history: Digest) -> Digest {
    Blake2b.hash("wardround.query", history.bytes, canonicalBytes)
  }
}

extension NamedModel {
  func write(to writer: inout ByteWriter) {
    writer.string(name)
    if let trees {
      writer.integer(UInt8(3))
      writer.raw(trees.digest.bytes)
    }
    switch origin {
    case .study: writer.integer(UInt8(0))
    case .site(let site):
      writer.integer(UInt8(1))
      writer.string(site)
    case .withoutSite(let site):
      writer.integer(UInt8(2))
      writer.string(site)
    }
    writer.array(coefficients) { $0.double($1) }
  }
}
