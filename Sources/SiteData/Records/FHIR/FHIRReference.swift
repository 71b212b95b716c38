/// A literal reference to a resource of its own (FHIR R4, 2.3.0.1): `TYPE/ID`, the same behind a server's
/// address, either with `/_history/VERSION` at its end, `urn:uuid:ID` and `urn:oid:ID`.
struct FHIRReference: Hashable {
  /// Longer references are none.
  static let maximumBytes = 512

  /// The resource's type; nil where the reference names none.
  let type: String?
  let id: String

  /// Nil for a text that names no single resource outside: a contained resource (`#ID`), a search
  /// (`TYPE?…`), a type alone.
  init?(_ text: String) {
    guard !text.isEmpty, text.utf8.count <= Self.maximumBytes,
      !text.utf8.contains(UInt8(ascii: "#")), !text.utf8.contains(UInt8(ascii: "?"))
    else { return nil }
    if text.hasPrefix("urn:") {
      let parts = text.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count == 3, !parts[2].isEmpty else { return nil }
      type = nil
      id = String(parts[2])
      return
    }
    var parts = text.split(separator: "/")
    if parts.count >= 3, parts[parts.count - 2] == "_history" { parts.removeLast(2) }
    guard let last = parts.popLast(), last != "_history", parts.last != "_history",
      !parts.isEmpty || last.utf8.count == text.utf8.count
    else { return nil }
    id = String(last)
    // A type begins with a capital letter; what stands before the identifier may be an address.
    type = parts.last.flatMap { part in
      part.utf8.first.map { (65...90).contains($0) } == true ? String(part) : nil
    }
  }
}
