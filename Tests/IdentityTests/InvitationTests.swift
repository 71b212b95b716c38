import CanonicalBytes
import Crypto
import Foundation
import Testing

@testable import Identity

@Suite struct InvitationTests {
  /// Fixed content, so that the text below is a known answer.
  private func known() throws -> Invitation {
    try Invitation(
      principal: Principal(uri: "wardround://trial/site/north"), host: ServerHost("hub.example"),
      enrolmentPort: 7441, servicePort: 7440, pin: AuthorityPin(of: [1, 2, 3]),
      expiry: Date(timeIntervalSince1970: 1_800_000_000),
      secret: #require(InvitationSecret(bytes: Array(0..<32))))
  }

  @Test func textIsOneWordThatReadsBack() throws {
    let invitation = try known()
    let text = invitation.revealedText()
    #expect(text.hasPrefix("wr1"))
    #expect(text.count < 256)
    #expect(text.allSatisfy { $0.isLowercase || ("1"..."7").contains($0) })
    let read = try Invitation(text: text)
    #expect(read.principal == invitation.principal)
    #expect(read.host == invitation.host)
    #expect(read.enrolmentPort == 7441)
    #expect(read.servicePort == 7440)
    #expect(read.pin == invitation.pin)
    #expect(read.expiry == invitation.expiry)
    #expect(read.secret.revealed() == Array(0..<32))
    #expect(read.id == invitation.id)
  }

  /// The bytes by hand: what another implementation has to write.
  @Test func payloadIsTheDocumentedOne() throws {
    var writer = ByteWriter()
    writer.string("wardround://trial/site/north")
    writer.string("hub.example")
    writer.integer(UInt16(7441))
    writer.integer(UInt16(7440))
    writer.integer(Int64(1_800_000_000))
    writer.raw(SHA256.hash(data: [1, 2, 3] as [UInt8]))
    writer.raw(0..<32)
    var framed = ByteWriter()
    framed.integer(UInt16(writer.bytes.count))
    framed.raw(writer.bytes)
    framed.raw(SHA256.hash(data: Array("wr1".utf8) + framed.bytes).prefix(4))
    #expect(try known().revealedText() == "wr1" + Base32.text(framed.bytes))
  }

  /// RFC 4648 §10, in lower case and without padding.
  @Test(arguments: [
    ("", ""), ("f", "my"), ("fo", "mzxq"), ("foo", "mzxw6"), ("foob", "mzxw6yq"),
    ("fooba", "mzxw6ytb"), ("foobar", "mzxw6ytboi"),
  ])
  func base32KnownAnswers(plain: String, coded: String) throws {
    #expect(Base32.text(Array(plain.utf8)) == coded)
    guard case .bytes(let bytes) = Base32.bytes(coded.utf8) else {
      Issue.record("not decoded")
      return
    }
    #expect(bytes == Array(plain.utf8))
  }

  @Test func pastingIsForgiven() throws {
    let text = try known().revealedText()
    let wrapped = "  " + text.prefix(60) + "\r\n\t" + text.dropFirst(60) + "\n"
    #expect(try Invitation(text: wrapped).id == known().id)
    #expect(try Invitation(text: text.uppercased()).id == known().id)
  }

  @Test func everyTruncationIsNamed() throws {
    let text = try known().revealedText()
    for count in 3..<text.count {
      #expect(throws: IdentityError(.invitationTruncated), "\(count) characters") {
        try Invitation(text: String(text.prefix(count)))
      }
    }
    for count in 0..<2 {
      #expect(throws: IdentityError(.invitationUnrecognised)) {
        try Invitation(text: String(text.prefix(count)))
      }
    }
  }

  @Test func everySingleTypingErrorIsFound() throws {
    let text = Array(try known().revealedText())
    // The last character may carry bits that stand for nothing.
    for index in 3..<(text.count - 1) {
      var wrong = text
      wrong[index] = text[index] == "a" ? "b" : "a"
      #expect(throws: IdentityError.self, "character \(index)") {
        try Invitation(text: String(wrong))
      }
      if index < text.count - 2 {
        wrong = text
        wrong.swapAt(index, index + 1)
        guard wrong != text else { continue }
        #expect(throws: IdentityError.self) { try Invitation(text: String(wrong)) }
      }
    }
    var wrong = text
    wrong[100] = text[100] == "a" ? "b" : "a"
    #expect(throws: IdentityError(.invitationChecksum)) { try Invitation(text: String(wrong)) }
    #expect(throws: IdentityError(.invitationChecksum)) {
      try Invitation(text: String(text) + "aaaaaaaa")
    }
  }

  @Test func wrongCharactersAreNamedWithTheirPosition() throws {
    var text = Array(try known().revealedText())
    text[9] = "!"
    #expect {
      try Invitation(text: String(text))
    } throws: { error in
      let fault = error as? IdentityError
      return fault?.code == .invitationCharacter && fault?.location == "character 10"
    }
  }

  @Test func otherTextsAndVersions() {
    for text in ["", "hello", "wrx", "https://hub.example/join"] {
      #expect(throws: IdentityError(.invitationUnrecognised)) { try Invitation(text: text) }
    }
    #expect(throws: IdentityError(.invitationVersion)) { try Invitation(text: "wr2abcdef") }
    #expect(throws: IdentityError(.invitationUnrecognised)) {
      try Invitation(text: String(repeating: "wr1", count: 2000))
    }
  }

  /// A right checksum over wrong content: 1,000 mutations of each length, seed 5. Nothing traps.
  @Test func contentIsCheckedBehindTheChecksum() throws {
    guard case .bytes(let framed) = Base32.bytes(try known().revealedText().dropFirst(3).utf8)
    else { return }
    let payload = Array(framed.dropFirst(2).dropLast(4))
    var random = SeededGenerator(seed: 5)
    var refusedCount = 0
    for _ in 0..<1000 {
      var wrong = payload
      // The first 47 bytes hold lengths and names; later ones may be anything.
      wrong[Int.random(in: 0..<47, using: &random)] = .random(in: 0...255, using: &random)
      if Bool.random(using: &random) { wrong.removeLast(Int.random(in: 1...100, using: &random)) }
      do throws(IdentityError) {
        let read = try Invitation(text: text(framing: wrong))
        #expect(read.principal.role.isInvitable, "seed 5")
      } catch {
        refusedCount += 1
        #expect(
          [.invitationMalformed, .roleNotInvitable].contains(error.code), "seed 5")
      }
    }
    #expect(refusedCount > 500, "seed 5")
  }

  @Test func aggregatorsAreNotInvitedAndLimitsHold() throws {
    func make(_ uri: String, port: UInt16 = 1, expiry: Double = 1) throws {
      _ = try Invitation(
        principal: Principal(uri: uri), host: ServerHost("h"), enrolmentPort: port, servicePort: 1,
        pin: AuthorityPin(of: []), expiry: Date(timeIntervalSince1970: expiry))
    }
    try make("wardround://n/operator/a")
    #expect(throws: IdentityError(.roleNotInvitable)) { try make("wardround://n/aggregator/a") }
    #expect(throws: IdentityError(.invitationMalformed)) {
      try make("wardround://n/site/a", port: 0)
    }
    for expiry in [-1, 1e300, .nan, .infinity] {
      #expect(throws: IdentityError(.invitationMalformed)) {
        try make("wardround://n/site/a", expiry: expiry)
      }
    }
  }

  @Test func thePinFindsTheAuthorityAndNothingElse() async throws {
    let network = try TrialAuthority()
    let other = try TrialAuthority()
    let chain = try await network.join("north").certificate.chainDER
    let pin = network.authority.certificate.pin
    #expect(try pin.authority(among: chain) == network.authority.certificate)
    #expect(throws: IdentityError(.wrongPin)) {
      try other.authority.certificate.pin.authority(among: chain)
    }
    #expect(throws: IdentityError(.wrongPin)) { try pin.authority(among: [chain[0]]) }
    #expect(throws: IdentityError(.wrongPin)) { try pin.authority(among: []) }
    // A pin on something that is no authority.
    #expect(throws: IdentityError(.malformedCertificate)) {
      try AuthorityPin(of: chain[0]).authority(among: chain)
    }
  }

  private func text(framing payload: [UInt8]) -> String {
    var framed = ByteWriter()
    framed.integer(UInt16(payload.count))
    framed.raw(payload)
    framed.raw(SHA256.hash(data: Array("wr1".utf8) + framed.bytes).prefix(4))
    return "wr1" + Base32.text(framed.bytes)
  }
}
