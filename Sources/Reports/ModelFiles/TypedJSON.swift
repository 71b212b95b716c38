/// JSON whose numbers are written as what they are: a float has a point or an exponent, an integer
/// has neither. XGBoost reads them as different types.
enum TypedJSON {
  case object([String: TypedJSON])
  case array([TypedJSON])
  case text(String)
  case integer(Int)
  /// Not finite: written as the largest finite number of its sign.
  case float(Float)

  /// Keys in order, no spaces.
  func write(to target: inout [UInt8]) {
    switch self {
    case .object(let members):
      target.append(UInt8(ascii: "{"))
      for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
        if index > 0 { target.append(UInt8(ascii: ",")) }
        TypedJSON.text(member.key).write(to: &target)
        target.append(UInt8(ascii: ":"))
        member.value.write(to: &target)
      }
      target.append(UInt8(ascii: "}"))
    case .array(let elements):
      target.append(UInt8(ascii: "["))
      for (index, element) in elements.enumerated() {
        if index > 0 { target.append(UInt8(ascii: ",")) }
        element.write(to: &target)
      }
      target.append(UInt8(ascii: "]"))
    case .text(let text):
      target.append(UInt8(ascii: "\""))
      for unit in text.utf8 {
        switch unit {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): target += [UInt8(ascii: "\\"), unit]
        // Control characters do not occur in names; a space keeps the file readable if they do.
        case 0..<0x20: target.append(UInt8(ascii: " "))
        default: target.append(unit)
        }
      }
      target.append(UInt8(ascii: "\""))
    case .integer(let value): target += Array(String(value).utf8)
    case .float(let value):
      let limit = Float.greatestFiniteMagnitude
      let bounded = value > -limit ? (value < limit ? value : limit) : -limit
      target += Array("\(bounded)".utf8)
    }
  }

  static func integers(_ values: [Int]) -> TypedJSON { .array(values.map { .integer($0) }) }
  static func floats(_ values: [Double]) -> TypedJSON { .array(values.map { .float(Float($0)) }) }
  static func texts(_ values: [String]) -> TypedJSON { .array(values.map { .text($0) }) }
  static func texts(_ values: [String: String]) -> TypedJSON {
    .object(values.mapValues { .text($0) })
  }
}
