/// Finds the hospitals that stand out from the rest, one after another.
///
/// Comparing each hospital with all others makes every hospital look odd when one of them is very odd.
/// So the one that stands out most is set aside and the rest are compared anew, as long as those set
/// aside stay a minority; then each hospital is compared with those that do not stand out.
enum OutlierSearch {
  /// The size of a difference and how likely it is by chance.
  struct Difference {
    /// Effect size divided by the size that counts as a finding.
    let size: Double
    /// P-value without adjustment.
    let pValue: Double
  }

  /// For each hospital, the hospitals it is to be compared with: those that do not stand out, without
  /// itself.
  ///
  /// - Parameters:
  ///   - count: how many hospitals there are.
  ///   - setAside: hospitals known to stand out for another reason.
  ///   - difference: compares a hospital with some others; nil when that is not possible.
  static func references(
    count: Int, setAside: Set<Int> = [], difference: (Int, [Int]) -> Difference?
  ) -> [[Int]] {
    var core = (0..<count).filter { !setAside.contains($0) }
    if core.count < 2 { core = Array(0..<count) }
    while core.count >= 3, 2 * (count - core.count + 1) < count {
      var worst: (site: Int, size: Double)?
      for site in core {
        guard let found = difference(site, core.filter { $0 != site }), found.pValue < 0.001,
          found.size >= 1, found.size > worst?.size ?? 0
        else { continue }
        worst = (site, found.size)
      }
      guard let worst else { break }
      core.removeAll { $0 == worst.site }
    }
    return (0..<count).map { site in core.filter { $0 != site } }
  }
}
