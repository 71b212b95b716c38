/// Spellings of units, brought to one form so that `mg/dl`, `MG/DL` and `mg / dL` are one unit.
public enum UnitName {
  /// A spelling to compare with: UCUM in lower case without blanks, brackets and braces, and with
  /// the common ward spellings replaced (`µmol/L`, `mmHg`, `°F`, `x10^9/L`, `bpm`, `years`).
  ///
  /// Case is ignored because no two units that a conversion here knows differ in case only.
  public static func normalised(_ unit: String) -> String {
    var text = ""
    for character in unit.lowercased() {
      switch character {
      case " ", "[", "]", "{", "}", "\t": break
      case "µ", "μ": text.append("u")
      case "^": text.append("*")
      case "°": text.append("deg")
      case "₂": text.append("2")
      default: text.append(character)
      }
    }
    if text.hasPrefix("x10") { text.removeFirst() }
    if text.hasPrefix("10e") { text = "10*" + text.dropFirst(3) }
    return aliases[text] ?? text
  }

  /// Whether two spellings mean the same unit.
  public static func areEqual(_ left: String, _ right: String) -> Bool {
    normalised(left) == normalised(right)
  }

  private static let aliases: [String: String] = [
    "degc": "cel", "c": "cel", "celsius": "cel", "f": "degf", "fahrenheit": "degf",
    "kelvin": "k", "degk": "k", "bpm": "/min", "beats/min": "/min", "breaths/min": "/min",
    "1/min": "/min", "perminute": "/min", "/minute": "/min", "min-1": "/min",
    "percent": "%", "pct": "%", "fraction": "1", "proportion": "1", "ratio": "1", "l/l": "1",
    "y": "a", "yr": "a", "yrs": "a", "year": "a", "years": "a", "month": "mo", "months": "mo",
    "lb": "lb_av", "lbs": "lb_av", "pound": "lb_av", "pounds": "lb_av", "in": "in_i",
    "inch": "in_i", "inches": "in_i", "kilogram": "kg", "kilograms": "kg", "gram": "g",
    "torr": "mmhg", "cmwater": "cmh2o", "mm/l": "mmol/l",
    "micromol/l": "umol/l", "mcmol/l": "umol/l", "mcg/dl": "ug/dl", "mcg/l": "ug/l",
    "mcg/ml": "ug/ml", "iu/l": "u/l", "mequiv/l": "meq/l", "k/ul": "10*3/ul",
    "k/mm3": "10*3/ul", "thou/ul": "10*3/ul", "10*3/mm3": "10*3/ul",
    "/nl": "10*9/l", "giga/l": "10*9/l", "cells/ul": "/ul", "/mm3": "/ul", "points": "score",
    "point": "score", "mg%": "mg/dl", "gm/dl": "g/dl",
  ]
}
