import Foundation

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// Reads a report as XML and keeps what the tests ask for.
final class PageReader: NSObject, XMLParserDelegate {
  var failure: String?
  var failureLine = 0
  var ids: [String] = []
  /// What links and labels point to.
  var references: [String] = []
  var elements: Set<String> = []
  var text = ""
  /// Texts of table cells.
  var cells: [String] = []
  /// Titles of drawings.
  var titles: [String] = []
  var drawingCount = 0
  /// Coordinates and sizes in drawings.
  var drawingValues: [String] = []
  var headingCellsWithoutScope = 0
  private var path: [String] = []
  private var cell: String?
  private var title: String?

  func read(_ page: String) throws {
    let parser = XMLParser(data: Data(page.utf8))
    parser.delegate = self
    if !parser.parse() {
      failure = parser.parserError.map { "\($0)" } ?? "unknown"
      failureLine = parser.lineNumber
    }
  }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
    qualifiedName: String?, attributes: [String: String]
  ) {
    elements.insert(name)
    if let id = attributes["id"] { ids.append(id) }
    if let href = attributes["href"] { references.append(String(href.dropFirst())) }
    references += (attributes["aria-labelledby"] ?? "").split(separator: " ").map(String.init)
    if name == "svg" { drawingCount += 1 }
    for key in ["x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height"] {
      if let value = attributes[key] { drawingValues.append(value) }
    }
    if let data = attributes["d"] {
      drawingValues += data.split { "MLZ ".contains($0) }.map(String.init)
    }
    if name == "th", attributes["scope"] == nil { headingCellsWithoutScope += 1 }
    if name == "td" || name == "th" { cell = "" }
    if name == "title", path.last == "svg" { title = "" }
    path.append(name)
  }

  func parser(_ parser: XMLParser, foundCharacters string: String) {
    guard !path.contains("style") else { return }
    text += string
    cell? += string
    title? += string
  }

  func parser(
    _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
  ) {
    path.removeLast()
    text += " "
    if name == "td" || name == "th", let cell {
      cells.append(cell)
      self.cell = nil
    }
    if name == "title", let title {
      titles.append(title)
      self.title = nil
    }
  }
}
