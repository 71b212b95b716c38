import Foundation
import Testing

@testable import Identity

private let program = "/usr/bin/openssl"

/// An independent implementation's opinion of what this library writes. Skipped, and said so, where
/// the `openssl` program is missing.
@Suite(
  .enabled(
    if: FileManager.default.isExecutableFile(atPath: program),
    "the openssl program is not installed"))
struct OpenSSLTests {
  /// Runs openssl; gives its exit status and what it printed.
  private func openssl(_ arguments: [String]) throws -> (status: Int32, output: [UInt8]) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, Array(output))
  }

  @Test func chainsVerifyForTheirPurposeOnly() async throws {
    let network = try TrialAuthority()
    try await network.join("north")
    let hub = try await network.desk.localIdentity(
      in: network.keys("hub"), as: network.principal("hub", .aggregator),
      hosts: [ServerHost("hub.example"), ServerHost("127.0.0.1")], at: network.now)
    #expect(hub.principal.role == .aggregator)
    let authority = network.directory + "/ca/ca.pem"
    let time = String(Int(network.now.timeIntervalSince1970))
    func verify(_ name: String, _ options: String..., at time: String) throws -> Bool {
      let arguments = ["verify", "-x509_strict", "-CAfile", authority, "-attime", time]
      return try openssl(arguments + options + [network.keys(name).identityFile]).status == 0
    }
    #expect(try verify("north", "-purpose", "sslclient", at: time))
    #expect(try !verify("north", "-purpose", "sslserver", at: time))
    #expect(try verify("hub", "-purpose", "sslserver", "-verify_hostname", "hub.example", at: time))
    #expect(try verify("hub", "-purpose", "sslserver", "-verify_ip", "127.0.0.1", at: time))
    #expect(try !verify("hub", "-verify_hostname", "other.example", at: time))
    let late = String(Int(network.now.timeIntervalSince1970) + 91 * 86_400)
    #expect(try !verify("north", at: late))
  }

  @Test func keysAndPinAreTheOnesItReads() async throws {
    let network = try TrialAuthority()
    let identity = try await network.join("north")
    let keys = network.keys("north")
    // SubjectPublicKeyInfo of Ed25519 ends in the 32 bytes of the key (RFC 8410 §4).
    let signing = try openssl([
      "pkey", "-in", keys.signingKeyFile, "-pubout", "-outform", "DER",
    ])
    #expect(signing.status == 0)
    #expect(Array(signing.output.suffix(32)) == identity.signingKey.publicKey)
    let tls = try openssl(["pkey", "-in", keys.identityFile, "-pubout", "-outform", "DER"])
    let leaf = try identity.certificate.leaf()
    #expect(Array(tls.output.suffix(65)) == Array(leaf.publicKey.subjectPublicKeyInfoBytes))
    let fingerprint = try openssl([
      "x509", "-in", network.directory + "/ca/ca.pem", "-noout", "-fingerprint", "-sha256",
    ])
    let digits = String(decoding: fingerprint.output, as: UTF8.self)
      .split(separator: "=").last?.filter(\.isHexDigit).lowercased()
    #expect(digits == network.authority.certificate.pin.description)
  }

  @Test func requestsAreWellFormed() throws {
    let network = try TrialAuthority()
    let request = try network.keys("north").prepareRequest(for: network.principal("north"))
    let path = network.directory + "/request.der"
    try Data(request.requestDER).write(to: URL(fileURLWithPath: path))
    let outcome = try openssl(["req", "-in", path, "-inform", "DER", "-verify", "-noout", "-text"])
    #expect(outcome.status == 0)
    #expect(
      String(decoding: outcome.output, as: UTF8.self).contains("URI:wardround://trial/site/north"))
  }
}
