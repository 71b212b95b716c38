import Foundation

extension StoreError {
  /// Why the operating system could not open or write a file.
  ///
  /// - Parameter number: its error number, `errno` of the failed call.
  init(system number: Int32, file: String, operation: String) {
    let code: Code =
      switch number {
      case ENOSPC, EDQUOT: .diskFull
      case EROFS, EACCES, EPERM: .readOnly
      case EIO: .inputOutput
      default: .cannotOpen
      }
    self.init(code, file: file, operation: operation)
  }
}
