/// A first-in, first-out queue with constant-time operations.
struct FIFO<Element> {
  private var elements: [Element?] = []
  private var head = 0

  var count: Int { elements.count - head }
  var isEmpty: Bool { head == elements.count }

  mutating func append(_ element: Element) { elements.append(element) }

  mutating func popFirst() -> Element? {
    guard head < elements.count else { return nil }
    let element = elements[head]
    elements[head] = nil
    head += 1
    if head == elements.count {
      elements.removeAll(keepingCapacity: true)
      head = 0
    } else if head > 64, head * 2 > elements.count {
      elements.removeFirst(head)
      head = 0
    }
    return element
  }

  /// Removes and returns the first element that satisfies a condition.
  mutating func remove(where condition: (Element) -> Bool) -> Element? {
    guard
      let index = elements.indices.first(where: { elements[$0].map(condition) ?? false })
    else { return nil }
    return elements.remove(at: index)
  }

  mutating func removeAll() -> [Element] {
    defer {
      elements = []
      head = 0
    }
    return elements[head...].compactMap { $0 }
  }
}
