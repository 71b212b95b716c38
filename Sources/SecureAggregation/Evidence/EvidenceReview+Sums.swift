import CanonicalBytes
import Cryptography
import FixedPoint

/// Whether a published sum is what it is said to be.
extension EvidenceReview {
  mutating func examineSums() {
    for result in all(ResultMessage.self) {
      let opens = all(RoundOpen.self, like: result.envelope)
      for open in opens { examine(result, of: open) }
      if opens.isEmpty { remark("round \(result.envelope.round): no RoundOpen beside the Result") }
      let isSigned =
        result.payload.withUnsafeBytes { RoundDigests.vector($0) } == result.body.sumDigest
      guard !result.payload.isEmpty, isSigned else { continue }
      examineSum(result, opens: opens)
    }
  }

  /// The Result against the round that the aggregator opened.
  private mutating func examine(_ result: Decoded<ResultMessage>, of open: Decoded<RoundOpen>) {
    let body = result.body
    let transcript = transcript(of: open)
    func broken(_ detail: String) -> Finding {
      Finding(.contradiction, by: [0], in: result.envelope, detail)
    }
    if body.vectorLength != open.body.vectorLength || body.ringWidth != open.body.ringWidth {
      find(broken("published a sum of another size than the round has"))
    }
    let locks = all(Lock1.self, like: result.envelope)
    if locks.contains(where: { $0.body.members != body.shareMembers })
      || !Set(body.members).isSubset(of: body.shareMembers)
    {
      find(broken("published a sum over other sites than it had locked"))
    }
    if body.records(of: open.body.layers) == nil {
      find(broken("took off noise that the round does not take off"))
    }
    let statement = body.statement(round: transcript)
    let valid = body.acknowledgements.count { entry in
      body.members.contains(entry.index)
        && manifest.key(of: entry.index)?.isValid(entry.signature, for: statement.bytes) == true
    }
    if valid < body.acknowledgements.count || valid < manifest.manifest.threshold {
      find(
        Finding(
          .falseAcknowledgement, by: [0], in: result.envelope,
          "published a sum that \(valid) sites acknowledged where \(manifest.manifest.threshold) are"
            + " needed"))
    }
    if body.digest(round: transcript) != body.resultDigest {
      find(broken("published a result whose digest is not its own"))
    }
  }

  /// The sum itself: the number of sites in it, its tag, and, when every site's vector is there, the
  /// addition.
  private mutating func examineSum(
    _ result: Decoded<ResultMessage>, opens: [Decoded<RoundOpen>]
  ) {
    let body = result.body
    let round = result.envelope.round
    guard let sum = RingVector(result.payload, width: body.ringWidth),
      sum.count == Int(body.vectorLength)
    else {
      return find(
        Finding(
          .contradiction, by: [0], in: result.envelope,
          "published a sum of another size than it says"))
    }
    if sum.constant != Int64(body.members.count) {
      find(
        Finding(
          .falseSum, by: [0], in: result.envelope,
          "published a sum that counts \(sum.constant ?? 0) answers where it names"
            + " \(body.members.count) sites"))
    }
    let transcripts = Set(opens.map { transcript(of: $0) })
    var witnesses: [[UInt8]: Set<UInt16>] = [:]
    for (witness, statement) in tagSeeds
    where transcripts.contains(statement.transcript) && witness != 0
      && statement.shareMembers == body.shareMembers && body.shareMembers.contains(witness)
    {
      witnesses[statement.seed, default: []].insert(witness)
    }
    let needed = manifest.manifest.maximumColluders + 1
    guard let whole = withRemovedNoise(sum, of: result, opens: opens) else {
      return remark(
        "round \(round): noise was taken off its sum, which is not added up again here; that takes"
          + " the RoundOpen and the sampler")
    }
    for (seed, sites) in witnesses {
      let secret = seed.withUnsafeBytes { SecretBytes(copying: $0) }
      guard let tag = try? SumTag.tag(of: whole, alphaSeed: secret), tag != body.tag else {
        continue
      }
      if sites.count >= needed {
        find(
          Finding(
            .falseSum, by: [0] + body.members, in: result.envelope,
            "the published sum does not have the tag that the sites' own tags add to, by the seed of"
              + " \(sites.count) sites"))
      } else {
        remark(
          "round \(round): the tag of the published sum is wrong by the seed of \(sites.count)"
            + " site; the word of \(needed) sites proves it")
      }
    }
    for open in opens { examineAddition(result, sum: whole, open: open) }
  }

  /// The published sum with the noise that its Result says was taken off; nil when that cannot be
  /// known.
  private func withRemovedNoise(
    _ sum: RingVector, of result: Decoded<ResultMessage>, opens: [Decoded<RoundOpen>]
  ) -> RingVector? {
    guard !result.body.layers.isEmpty else { return sum }
    guard let layers = opens.first?.body.layers,
      let revealed = result.body.records(of: layers)?.revealed(of: layers)
    else { return nil }
    guard !revealed.isEmpty else { return sum }
    var whole = sum
    guard let layerNoise, let noise = try? revealed.noise(layerNoise, count: sum.count - 1),
      whole.add(noise: noise, subtracting: false)
    else { return nil }
    return whole
  }

  /// Adds the round up again, when the signed vectors and openings of all its sites are there.
  private mutating func examineAddition(
    _ result: Decoded<ResultMessage>, sum: RingVector, open: Decoded<RoundOpen>
  ) {
    let members = result.body.members
    let masked = all(Masked.self, like: result.envelope).filter { entry in
      members.contains(entry.sender) && !entry.payload.isEmpty
        && entry.payload.withUnsafeBytes { RoundDigests.vector($0) } == entry.body.vectorDigest
    }
    let unmasks = all(Unmask.self, like: result.envelope).filter { members.contains($0.sender) }
    guard result.body.shareMembers == members, masked.map(\.sender).sorted() == members,
      unmasks.map(\.sender).sorted() == members
    else {
      return remark(
        "round \(result.envelope.round): it cannot be added up again here; that takes the evidence of"
          + " every site in it, and none that dropped out")
    }
    let list = RoundDigests.list(
      members, masked.sorted { $0.sender < $1.sender }.map(\.body.vectorDigest))
    guard list == result.body.listDigest else { return }
    var total = RingVector(zeros: Int(result.body.vectorLength), width: result.body.ringWidth)
    for entry in masked {
      let isAdded = entry.payload.withUnsafeBytes { total.add(littleEndian: $0) }
      guard isAdded else { return }
    }
    var opening = Opening(tag: masked.reduce(0) { SumTag.add($0, $1.body.tag) })
    do throws(SecureAggregationError) {
      for unmask in unmasks {
        try opening.removeSelfMask(of: unmask.body.selfSecret, owner: unmask.sender)
      }
    } catch {
      return
    }
    let (right, rightTag) = opening.finish(total)
    if right != sum || rightTag != result.body.tag {
      find(
        Finding(
          .falseSum, by: [0], in: result.envelope,
          "published a sum that is not what the sites' signed vectors add to"))
    } else if findings.contains(where: { $0.offence == .falseSum && $0.accused.count > 1 }) {
      find(
        Finding(
          .falseSum, by: members, in: result.envelope,
          "the aggregator added up rightly; a site sent a vector with a wrong tag"))
    }
  }
}
