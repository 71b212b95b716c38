/// Colours that people with a colour vision deficiency can tell apart.
enum Palette {
  /// Style classes of the n-th hospital: one of eight colours (Okabe and Ito 2008, the yellow and
  /// the black replaced for contrast on white) and one of three dashes, so that 24 lines differ.
  static func series(_ index: Int) -> String { "c\(index % 8) d\(index / 8 % 3)" }

  /// A scale of colours for the cells of a heat map.
  enum Ramp {
    /// Low to high without a good end (Nuñez, Anderton and Renslow 2018, "cividis").
    case cividis
    /// Nothing to much, pale to dark red-brown.
    case alarm
    /// Nothing to much, pale to dark blue.
    case absence

    private var stops: [(Double, Double, Double)] {
      switch self {
      case .cividis:
        [
          (0, 34, 78), (53, 69, 108), (102, 105, 112), (148, 142, 119), (200, 184, 102),
          (254, 232, 56),
        ]
      case .alarm:
        [
          (247, 246, 242), (254, 227, 170), (252, 179, 92), (226, 116, 40), (153, 52, 4),
          (92, 26, 2),
        ]
      case .absence:
        [
          (246, 247, 249), (208, 225, 242), (148, 196, 223), (74, 152, 201), (23, 100, 171),
          (8, 48, 107),
        ]
      }
    }

    /// The colour at a share of the scale, 0 … 1, and the colour of text on it.
    func colour(_ share: Double) -> (fill: String, text: String) {
      let position = min(max(share.isFinite ? share : 0, 0), 1) * Double(stops.count - 1)
      let lower = min(Int(position), stops.count - 2)
      let part = position - Double(lower)
      let (a, b) = (stops[lower], stops[lower + 1])
      let red = a.0 + part * (b.0 - a.0)
      let green = a.1 + part * (b.1 - a.1)
      let blue = a.2 + part * (b.2 - a.2)
      let isLight = 0.299 * red + 0.587 * green + 0.114 * blue > 140
      return (hex(red, green, blue), isLight ? "#14181f" : "#ffffff")
    }

    private func hex(_ red: Double, _ green: Double, _ blue: Double) -> String {
      let digits = Array("0123456789abcdef")
      var text = "#"
      for part in [red, green, blue] {
        let value = Int(min(max(part, 0), 255).rounded())
        text.append(digits[value / 16])
        text.append(digits[value % 16])
      }
      return text
    }
  }
}
