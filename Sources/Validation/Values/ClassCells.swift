/// Which classes' counts may be shown: no class, and no group of hidden ones that a known total gives
/// away, has fewer patients than the minimum.
///
/// Known beside the shown counts are the rows of all classes and those of the event's classes. A class
/// is hidden when it, or all others together, has patients but fewer than the minimum. Then, among the
/// event's classes and among the others, the next smallest are hidden until those hidden are none, or at
/// least two that together hold the minimum; where a side has no class left to hide, those of the
/// other are. A class without a row shows 0. A cell's size is its patients, not its rows.
struct ClassCells {
  /// Patients of all classes.
  let patientCount: Int
  private let counts: [Int]
  private let isHidden: [Bool]

  init(observed: [Int], patients: [Int32]?, isEvent: [Bool], classCount: Int, minimum: Int) {
    var counts = [Int](repeating: 0, count: classCount)
    for index in observed { counts[index] += 1 }
    self.counts = counts
    var people: [Set<Int32>]?
    if let patients {
      var sets = [Set<Int32>](repeating: [], count: classCount)
      for (index, patient) in zip(observed, patients) { sets[index].insert(patient) }
      people = sets
    }
    func size(_ classes: [Int]) -> Int {
      guard let people else { return classes.reduce(0) { $0 + counts[$1] } }
      return classes.reduce(into: Set<Int32>()) { $0.formUnion(people[$1]) }.count
    }
    let present = counts.indices.filter { counts[$0] > 0 }
    patientCount = size(present)

    var isHidden = counts.map { _ in false }
    for index in present {
      let others = size(present.filter { $0 != index })
      isHidden[index] = size([index]) < minimum || (others > 0 && others < minimum)
    }
    func isSafe(_ group: [Int]) -> Bool {
      let hidden = group.filter { isHidden[$0] }
      return hidden.isEmpty || (hidden.count > 1 && size(hidden) >= minimum)
    }
    func hideSmallest(of group: [Int]) -> Bool {
      let next = group.filter { !isHidden[$0] }.min { size([$0]) < size([$1]) }
      if let next { isHidden[next] = true }
      return next != nil
    }
    let sides =
      isEvent.isEmpty
      ? [present]
      : [true, false].map { side in
        present.filter { isEvent[$0] == side }
      }
    for side in sides {
      while !isSafe(side), hideSmallest(of: side) {}
    }
    // A side that is too small whatever is hidden has no published total of its own.
    while !isSafe(present), hideSmallest(of: present) {}
    self.isHidden = isHidden
  }

  /// Rows of a class; nil where hidden.
  func shownCount(_ index: Int) -> Int? { isHidden[index] ? nil : counts[index] }
}
