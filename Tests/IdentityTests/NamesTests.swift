import Foundation
import Testing

@testable import Identity

@Suite struct NamesTests {
  @Test(arguments: ["a", "0", "north", "st-marys-2", "a-", String(repeating: "x", count: 63)])
  func memberNames(text: String) throws {
    let name = try MemberName(text)
    #expect(name.text == text)
    let coded = try JSONEncoder().encode(name)
    #expect(try JSONDecoder().decode(MemberName.self, from: coded) == name)
  }

  @Test(arguments: [
    "", "-a", "A", "a_b", "a.b", "a b", "é", "a/b", "a\u{0}", String(repeating: "x", count: 64),
  ])
  func refusedMemberNames(text: String) throws {
    #expect(throws: IdentityError(.malformedName)) { try MemberName(text) }
    let coded = try JSONEncoder().encode([text])
    #expect(throws: (any Error).self) { try JSONDecoder().decode([MemberName].self, from: coded) }
  }

  @Test(arguments: Role.allCases)
  func principalsRoundTrip(role: Role) throws {
    let principal = Principal(
      network: try MemberName("trial"), role: role, name: try MemberName("north"))
    #expect(principal.uri == "wardround://trial/\(role.rawValue)/north")
    #expect(try Principal(uri: principal.uri) == principal)
  }

  @Test(arguments: [
    "", "wardround://", "wardround://trial/site", "wardround://trial/site/", "wardround:///site/a",
    "wardround://trial/site/a/", "wardround://trial/site/a/b", "wardround://trial/admin/a",
    "wardround://trial/Site/a", "WARDROUND://trial/site/a", "wardround://trial/site/a?x",
    "wardround://trial/site/a ", " wardround://trial/site/a", "https://trial/site/a",
    "wardround://trial:1/site/a", "wardround://u@trial/site/a", "wardround://trial/site/%61",
  ])
  func refusedPrincipals(uri: String) {
    #expect(throws: IdentityError(.malformedPrincipal)) { try Principal(uri: uri) }
  }

  @Test func hosts() throws {
    #expect(try ServerHost("Hub.Example-1.org") == .dnsName("hub.example-1.org"))
    #expect(try ServerHost("localhost") == .dnsName("localhost"))
    #expect(try ServerHost("127.0.0.1") == .address([127, 0, 0, 1]))
    #expect(try ServerHost("::1") == .address(Array(repeating: 0, count: 15) + [1]))
    for text in ["127.0.0.1", "2001:db8::1", "hub.example"] {
      #expect(try ServerHost(text).description == text)
    }
  }

  @Test(arguments: [
    "", ".", "a..b", "a.", "-a.b", "a-.b", "a_b", "1.2.3", "1.2.3.4.5", "256.1.1.1", "hub:7440",
    "[::1]", "a\u{0}.b", "*.example", String(repeating: "a", count: 64),
    Array(repeating: "abcdefg", count: 32).joined(separator: "."),
  ])
  func refusedHosts(text: String) {
    #expect(throws: IdentityError(.malformedHost)) { try ServerHost(text) }
  }

  @Test func serialsHaveOneSpelling() throws {
    #expect(CertificateSerial(text: "0f12")?.text == "0f12")
    for text in ["", "f", "0F", "00ff", "0g", "0x12", String(repeating: "11", count: 21)] {
      #expect(CertificateSerial(text: text) == nil, "\(text)")
    }
  }

  @Test func everyErrorHasAMessageAndItsOwnCode() {
    let codes = IdentityError.Code.allCases
    #expect(Set(codes.map(\.rawValue)).count == codes.count)
    #expect(Set(codes.map(\.message)).count == codes.count)
    #expect(IdentityError(.expired, at: "here") == IdentityError(.expired))
    #expect(IdentityError(.expired) != IdentityError(.revoked))
    #expect("\(IdentityError(.diskFull, at: "/x"))".hasSuffix("the disk is full [/x]"))
  }
}
