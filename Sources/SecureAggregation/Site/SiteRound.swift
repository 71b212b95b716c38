import Cryptography
import FixedPoint

/// The secrets and messages of the round in progress at a site. Dropping it wipes the secrets.
struct SiteRound: Sendable {
  let number: UInt64
  let open: RoundOpen
  /// The RoundOpen message, as evidence.
  let openMessage: [UInt8]
  /// T_r.
  let transcript: Digest
  /// T_r, or P_r when the shares were sent in advance.
  let associatedData: Digest
  let secrets: DealtSecrets
  /// s_ij in the order of U0; the own slot is unused.
  let seeds: SecretBytes
  var lock: Lock?
  var commitment: Commitment?
  var acknowledgement: Acknowledgement?
  var unmaskMessage: [UInt8]?
  /// 32 bytes per layer, from Masked until Unmask.
  var layerSeeds: SecretBytes?
  /// The tag of each layer's noise, 8 bytes in the machine's order, from Masked until Unmask. Whoever
  /// knows the tag's seed learns an equation about noise that stays in from it: only tags of layers
  /// that come off leave.
  var layerTags: SecretBytes?

  /// What Lock1 fixed.
  struct Lock: Sendable {
    let request: Digest
    let message: [UInt8]
    /// U1.
    let members: [UInt16]
    let setDigest: Digest
    /// share_i(b_j) ‖ share_i(K_j) ‖ γ_j in the order of U1; the own slot holds the own values.
    let received: SecretBytes
    let alphaSeed: SecretBytes
  }

  /// What was sent as Masked.
  struct Commitment: Sendable {
    let vectorDigest: Digest
    /// One per layer.
    let layers: [Digest]
    /// The sites without which the vector may not be opened.
    let companions: Set<UInt16>
  }

  /// What was acknowledged.
  struct Acknowledgement: Sendable {
    let message: [UInt8]
    /// U2.
    let members: [UInt16]
    let statement: Digest
  }

  /// Calls `body` with s_ij.
  func seed<Result>(with peer: UInt16, _ body: (UnsafeRawBufferPointer) -> Result) -> Result? {
    open.members.firstIndex(of: peer).map { seeds.slot($0, body) }
  }

  /// check_from→to, one of which is the peer.
  func check(peer: UInt16, from sender: UInt16, to recipient: UInt16) -> [UInt8]? {
    seed(with: peer) { Derivations.check(seed: $0, from: sender, to: recipient) }
  }
}
