import Foundation
import Records

/// The layouts of two PhysioNet challenges, as sources of events.
public enum PhysioNet {
  /// The recipe's codes for the parameters of the 2012 challenge.
  public static let codes2012: [String: String] = [
    "HR": "hr", "SysABP": "sbp", "DiasABP": "dbp", "MAP": "map", "NISysABP": "ni_sbp",
    "NIDiasABP": "ni_dbp", "NIMAP": "ni_map", "RespRate": "resp", "Temp": "temp",
    "GCS": "gcs_total", "Weight": "weight", "Height": "height", "Urine": "urine", "Na": "na",
    "K": "k", "HCO3": "bicar", "BUN": "bun", "Creatinine": "crea", "Glucose": "glu", "Mg": "mg",
    "Albumin": "alb", "ALT": "alt", "AST": "ast", "ALP": "alp", "Bilirubin": "bili",
    "TroponinT": "tnt", "TroponinI": "tni", "Lactate": "lact", "Cholesterol": "chol", "pH": "ph",
    "PaCO2": "pco2", "PaO2": "po2", "SaO2": "sao2", "HCT": "hct", "WBC": "wbc",
    "Platelets": "plt", "FiO2": "fio2", "Age": "age", "MechVent": "mech_vent",
    "Gender": "gender", "ICUType": "icu_type",
  ]

  /// The recipe's codes for the columns of the 2019 challenge.
  public static let codes2019: [String: String] = [
    "HR": "hr", "O2Sat": "spo2", "Temp": "temp", "SBP": "sbp", "MAP": "map", "DBP": "dbp",
    "Resp": "resp", "EtCO2": "etco2", "BaseExcess": "be", "HCO3": "bicar", "FiO2": "fio2",
    "pH": "ph", "PaCO2": "pco2", "SaO2": "sao2", "AST": "ast", "BUN": "bun",
    "Alkalinephos": "alp", "Calcium": "ca", "Chloride": "cl", "Creatinine": "crea",
    "Bilirubin_direct": "bili_dir", "Glucose": "glu", "Lactate": "lact", "Magnesium": "mg",
    "Phosphate": "phos", "Potassium": "k", "Bilirubin_total": "bili", "TroponinI": "tni",
    "Hct": "hct", "Hgb": "hgb", "PTT": "ptt", "WBC": "wbc", "Fibrinogen": "fgn",
    "Platelets": "plt", "Age": "age", "Gender": "gender", "Unit1": "unit1", "Unit2": "unit2",
    "HospAdmTime": "hospital_admission", "SepsisLabel": "sepsis_label",
  ]

  /// Set a, b or c of 2012: a folder with one text file per stay, or one table with `RecordID` in
  /// front; with `outcomes`, the table of outcomes, whose rows become the events `death`,
  /// `length_of_stay`, `saps` and `sofa`, known when the 48 hours are over and no earlier than the
  /// discharge. Times are elapsed seconds from admission.
  public static func challenge2012(
    _ path: String, outcomes: String? = nil, policy: ReadingPolicy = .fail, threads: Int = 1
  ) throws(SiteDataError) -> CombinedSource {
    var isDirectory: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
    let isFolder = exists && isDirectory.boolValue
    let files = isFolder ? try listing(path, [".txt", ".txt.gz"]) : [path]
    // FiO2 is recorded as a fraction, troponin in ug/L.
    let mapping = DelimitedMapping(
      subject: isFolder ? .fileName : .column("RecordID"), when: .column("Time", .clock),
      layout: .long(code: "Parameter", value: "Value", unit: nil), codes: codes2012,
      units: ["fio2": "1", "tnt": "ug/L", "tni": "ug/L"], missing: ["-1"])
    var sources: [any EventSource] = [
      DelimitedSource(files: files, mapping: mapping, policy: policy, threads: threads)
    ]
    if let outcomes {
      let mapping = DelimitedMapping(
        subject: .column("RecordID"),
        when: .column("Length_of_stay", .elapsed(unit: Double(RecordTime.day))),
        layout: .wide([
          .init("In-hospital_death", code: "death"),
          .init("Length_of_stay", code: "length_of_stay", unit: "d"),
          .init("SAPS-I", code: "saps"), .init("SOFA", code: "sofa"),
        ]),
        missing: ["-1"], earliest: 48 * RecordTime.hour + 1)
      sources.append(DelimitedSource(files: [outcomes], mapping: mapping, policy: policy))
    }
    return CombinedSource(sources)
  }

  /// A training set of 2019: a folder with one pipe-delimited file of hourly rows per stay. Times
  /// are elapsed seconds, from the column `ICULOS` in hours.
  public static func challenge2019(
    _ folder: String, policy: ReadingPolicy = .fail, threads: Int = 1
  ) throws(SiteDataError) -> DelimitedSource {
    let units = ["fio2": "1"]
    let columns = codes2019.sorted { $0.key < $1.key }.map {
      DelimitedMapping.WideColumn($0.key, code: $0.value, unit: units[$0.value])
    }
    let mapping = DelimitedMapping(
      subject: .fileName, when: .column("ICULOS", .elapsed(unit: Double(RecordTime.hour))),
      layout: .wide(columns), missing: ["NaN", "nan"], delimiter: UInt8(ascii: "|"))
    return DelimitedSource(
      files: try listing(folder, [".psv", ".psv.gz"]), mapping: mapping, policy: policy,
      threads: threads)
  }

  /// The files of a folder with one of the endings, in the order of their names.
  static func listing(_ folder: String, _ endings: [String]) throws(SiteDataError) -> [String] {
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: folder)
    } catch {
      throw SiteDataError(
        .unreadableFile, file: folder, message: "the folder cannot be opened",
        advice: "check the path and the folder's permissions")
    }
    let files = names.filter { name in endings.contains { name.hasSuffix($0) } }.sorted()
    guard !files.isEmpty else {
      throw SiteDataError(
        .emptyFile, file: folder,
        message: "the folder has no files that end in \(endings.joined(separator: " or "))",
        advice: "check the path")
    }
    return files.map { folder.hasSuffix("/") ? folder + $0 : "\(folder)/\($0)" }
  }
}
