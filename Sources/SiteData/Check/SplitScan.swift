import Cohort
import Records

/// Looks for persons that stand on both sides of the holdout: rows of one person that the study takes for
/// several, because no column names the patient.
public enum SplitScan {
  /// What is suspect, in words; counts below the site's minimum cell are not told. It stays at the site.
  ///
  /// - Parameters:
  ///   - table: the study's cohort of these data.
  ///   - patientColumn: the column by which the study knows patients; whole patients are on one side of the
  ///     holdout, so that it is not looked at.
  public static func run(
    _ data: DataDescription, table: CohortTable, patientColumn: String?, minimumCell: Int
  ) throws(SiteDataError) -> [String] {
    var sides: [Int: Bool] = [:]
    for (row, isHoldout) in zip(table.sourceRows, table.isHoldout) { sides[row] = isHoldout }
    var file = try DataFile(data)
    var splits: [LeakScan.Splits?] = file.columns.map {
      $0.name == patientColumn || $0.declared?.type == .date || $0.declared?.type == .flag
        ? nil : LeakScan.Splits()
    }
    while let (row, fields) = try file.nextRow() {
      guard let isHoldout = sides[row] else { continue }
      for (index, field) in fields.enumerated() where splits[index] != nil {
        let text = CellText.canonical(field)
        guard !CellText.isStandardMissing(text) else { continue }
        splits[index]?.add(text, isHoldout: isHoldout)
        if splits[index]?.isHopeless == true { splits[index] = nil }
      }
    }
    return zip(file.columns, splits).compactMap { column, splits in
      splits?.suspicion(
        column.name, isNamed: TableSchema.patientNames.contains(column.name.lowercased()))?
        .words(minimumCell: minimumCell)
    }
  }
}
