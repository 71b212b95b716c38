/// How messages, logs and counts name the files of a source.
///
/// Where one file is one patient its name may be the patient's identifier: such a file is named by
/// its place among the source's files, never by its name.
enum FileNaming {
  /// The files together: the only one by its path, several by their number and folder.
  static func source(_ files: [String], arePatients: Bool) -> String {
    if files.count == 1, !arePatients { return files[0] }
    return "\(files.count) file\(files.count == 1 ? "" : "s") in \(folder(files))"
  }

  /// One of the files, from 0: its path, or its position.
  static func file(_ index: Int, of files: [String], isPatient: Bool) -> String {
    guard isPatient else { return files.indices.contains(index) ? files[index] : "" }
    return "file \(index + 1) of \(files.count) in \(folder(files))"
  }

  /// The folder that the files are in, or the first of several.
  private static func folder(_ files: [String]) -> String {
    let folders = files.map { path in
      path.lastIndex(of: "/").map { String(path[...$0]) } ?? "./"
    }
    guard let first = folders.first else { return "./" }
    return folders.allSatisfy { $0 == first } ? first : "\(first) and other folders"
  }
}
