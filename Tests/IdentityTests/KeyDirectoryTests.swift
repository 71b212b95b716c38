import Crypto
import Cryptography
import Foundation
import Testing

@testable import Identity

@Suite struct KeyDirectoryTests {
  private func mode(_ path: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    return (attributes[.posixPermissions] as? Int ?? 0) & 0o777
  }

  @Test func filesAreForTheOwnerOnlyAndNothingIsLeftOver() async throws {
    let network = try TrialAuthority()
    try await network.join("north")
    let keys = network.keys("north")
    #expect(try mode(keys.path) == 0o700)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: keys.path).sorted()
        == ["identity.pem", "signing.key"])
    for file in [keys.identityFile, keys.signingKeyFile] { #expect(try mode(file) == 0o600) }
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: network.directory + "/ca").sorted()
        == ["ca.key", "ca.pem"])
    #expect(try mode(network.directory + "/ca/ca.key") == 0o600)
  }

  @Test func missingParentsAreMade() throws {
    let network = try TrialAuthority()
    let keys = network.keys("a/b/c")
    _ = try keys.prepareRequest(for: network.principal("north"))
    #expect(try mode(network.directory + "/a") == 0o700)
    #expect(try mode(keys.path) == 0o700)
  }

  @Test func beforeJoiningThereIsNoIdentity() async throws {
    let network = try TrialAuthority()
    let keys = network.keys("north")
    #expect(throws: IdentityError(.notEnrolled)) { try keys.load() }
    #expect(throws: IdentityError(.notEnrolled)) { try keys.prepareRenewal() }
    _ = try keys.prepareEnrolment(with: await network.invite("north"), at: network.now)
    #expect(throws: IdentityError(.notEnrolled)) { try keys.load() }
  }

  @Test func looseRightsAreRefused() async throws {
    let network = try TrialAuthority()
    try await network.join("north")
    let keys = network.keys("north")
    func set(_ mode: Int, _ path: String) throws {
      try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }
    for file in [keys.identityFile, keys.signingKeyFile] {
      for loose in [0o640, 0o604, 0o620, 0o644] {
        try set(loose, file)
        #expect {
          try keys.load()
        } throws: { error in
          let fault = error as? IdentityError
          return fault?.code == .filePermissions && fault?.location == file
            && fault?.message.contains("chmod 600") == true
        }
      }
      try set(0o600, file)
    }
    try set(0o755, keys.path)
    #expect(throws: IdentityError(.filePermissions)) { try keys.load() }
    try set(0o700, keys.path)
    #expect(try keys.load().principal.name.text == "north")
  }

  @Test func damageIsNamed() async throws {
    let network = try TrialAuthority()
    try await network.join("north")
    try await network.join("south")
    let keys = network.keys("north")
    let good = try String(contentsOfFile: keys.identityFile, encoding: .utf8)
    let other = try String(contentsOfFile: network.keys("south").identityFile, encoding: .utf8)
    func identity(_ text: String) throws {
      try write(text, keys.identityFile)
      _ = try keys.load()
    }
    for text in ["", "junk", String(good.prefix(300)), good + good, String(good.dropFirst(40))] {
      #expect(throws: IdentityError(.fileCorrupted)) { try identity(text) }
    }
    #expect(throws: IdentityError(.fileCorrupted)) {
      try identity(String(repeating: "x", count: 100_000))
    }
    // The key of one with the certificate of another.
    let end = "-----END PRIVATE KEY-----"
    let certificates = try #require(other.range(of: end)).upperBound
    let key = try #require(good.range(of: end)).upperBound
    #expect(throws: IdentityError(.keyMismatch)) {
      try identity(String(good[..<key]) + String(other[certificates...]))
    }
    try identity(good)
    try write(P256.Signing.PrivateKey().pemRepresentation, keys.signingKeyFile)
    #expect(throws: IdentityError(.fileCorrupted)) { try keys.load() }
    try FileManager.default.removeItem(atPath: keys.signingKeyFile)
    #expect(throws: IdentityError(.fileMissing)) { try keys.load() }
  }

  @Test func onlyTheRightAnswerIsInstalled() async throws {
    let network = try TrialAuthority()
    let other = try TrialAuthority()
    let invitation = try await network.invite("north")
    let keys = network.keys("north")
    let issued = try await network.desk.enrol(
      keys.prepareEnrolment(with: invitation, at: network.now), at: network.now)
    let south = try await network.join("south").certificate.chainDER
    let foreign = try await other.join("north").certificate.chainDER
    func install(_ chain: [[UInt8]], as name: String = "north") async throws {
      _ = try await keys.install(
        chainDER: chain, pin: invitation.pin, principal: network.principal(name), at: network.now)
    }
    #expect(await code { try await install(foreign) } == .wrongPin)
    #expect(
      await code { try await install([foreign[0], issued.chainDER[1]]) } == .foreignAuthority)
    #expect(await code { try await install(south) } == .requestName)
    #expect(await code { try await install(south, as: "south") } == .keyMismatch)
    #expect(await code { try await install([]) } == .wrongPin)
    #expect(throws: IdentityError(.notEnrolled)) { try keys.load() }
    try await install(issued.chainDER)
    #expect(try keys.load().certificate == issued)
    // The staged key is gone: the same answer does not install twice.
    #expect(await code { try await install(issued.chainDER) } == .fileMissing)
    #expect(try keys.load().certificate == issued)
  }

  @Test func aFailedWriteLeavesTheOldFile() throws {
    let network = try TrialAuthority()
    let path = network.directory + "/file"
    try ProtectedFile.write([1], to: path, .secret, replacing: false)
    #expect(throws: IdentityError(.fileExists)) {
      try ProtectedFile.write([2], to: path, .secret, replacing: false)
    }
    #expect(try ProtectedFile.read(path, .secret) == [1])
    try ProtectedFile.write([2], to: path, .secret, replacing: true)
    #expect(try ProtectedFile.read(path, .secret) == [2])
    #expect(throws: IdentityError(.fileMissing)) {
      try ProtectedFile.write([1], to: network.directory + "/none/file", .secret, replacing: true)
    }
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: network.directory).sorted()
        == ["ca", "file"])
    #expect(throws: IdentityError(.fileUnreadable)) {
      try ProtectedFile.read(network.directory, .readable)
    }
  }

  /// Through the device that is always full.
  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
  func aFullDiskIsNamed() {
    let descriptor = open("/dev/full", O_WRONLY)
    defer { close(descriptor) }
    #expect(throws: IdentityError(.diskFull)) {
      try ProtectedFile.writeAll([1], to: descriptor, at: "signing.key")
    }
  }

  @Test func nothingSecretIsDescribed() async throws {
    let network = try TrialAuthority()
    let invitation = try await network.invite("north")
    let request = try network.keys("north").prepareEnrolment(with: invitation, at: network.now)
    let issued = try await network.desk.enrol(request, at: network.now)
    let identity = try await network.keys("north").install(
      chainDER: issued.chainDER, pin: invitation.pin, principal: invitation.principal,
      at: network.now)
    var seed: [UInt8] = []
    identity.signingKey.withSeed { seed = Array($0) }
    #expect(seed.count == 32)
    let secrets: [[UInt8]] = [
      invitation.secret.revealed(), seed, identity.revealedTLSKeyDER(),
      Array(network.authority.key.rawRepresentation),
    ]
    let values: [Any] = [
      invitation, invitation.secret, request, identity, identity.signingKey, network.authority,
      network.desk,
    ]
    for value in values {
      var dumped = ""
      dump(value, to: &dumped)
      let texts = [dumped, "\(value)", String(reflecting: value)]
      for text in texts {
        for secret in secrets {
          // As hexadecimal, as base 64 and as a list of numbers: the first eight bytes suffice.
          let head = Array(secret.suffix(8))
          #expect(!text.lowercased().contains(Hexadecimal.encode(head)))
          #expect(!text.contains(head.map(String.init).joined(separator: ", ")))
          #expect(!text.contains(head.map { "- \($0)\n" }.joined()))
          #expect(!text.contains(Data(secret).base64EncodedString()))
        }
        #expect(!text.contains(invitation.revealedText()))
        #expect(!text.contains("PRIVATE KEY"))
      }
    }
  }
}
