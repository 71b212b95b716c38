import Foundation

/// What the system says about a file, in words for a person.
enum SystemReason {
  /// The reason alone, as `Permission denied`.
  static func of(_ error: any Error) -> String {
    guard let facts = Facts(error) else { return "the system gives no reason" }
    return facts.reason
  }

  /// Path, reason and what to do; nil for an error that is not the system's.
  static func sentence(_ error: any Error) -> String? {
    guard let facts = Facts(error) else { return nil }
    let what = facts.path.map { "`\(PlainText.of($0))`" } ?? "a file"
    return
      "\(what) cannot be \(facts.isReading ? "read" : "written"): \(facts.reason); \(facts.advice)"
  }

  private struct Facts {
    var path: String?
    var number: Int32?
    var isReading: Bool
    var cocoa: CocoaError.Code?

    init?(_ error: any Error) {
      if let error = error as? POSIXError {
        self.init(domain: NSPOSIXErrorDomain, code: Int(error.errorCode), [:])
      } else if let error = error as? CocoaError {
        self.init(domain: NSCocoaErrorDomain, code: error.errorCode, error.userInfo)
      } else if type(of: error) is NSError.Type {
        let error = error as NSError
        guard [NSCocoaErrorDomain, NSPOSIXErrorDomain].contains(error.domain) else { return nil }
        self.init(domain: error.domain, code: error.code, error.userInfo)
      } else {
        return nil
      }
    }

    private init(domain: String, code: Int, _ information: [String: Any]) {
      path =
        information[NSFilePathErrorKey] as? String ?? (information[NSURLErrorKey] as? URL)?.path
      let underlying = information[NSUnderlyingErrorKey]
      if domain == NSPOSIXErrorDomain {
        number = Int32(clamping: code)
      } else if let posix = underlying as? POSIXError {
        number = Int32(clamping: posix.errorCode)
      } else if let other = underlying as? NSError, other.domain == NSPOSIXErrorDomain {
        number = Int32(clamping: other.code)
      }
      cocoa = domain == NSCocoaErrorDomain ? CocoaError.Code(rawValue: code) : nil
      isReading = domain == NSCocoaErrorDomain && (256..<512).contains(code)
    }

    var reason: String {
      if let number { return String(cString: strerror(number)) }
      return switch cocoa {
      case .fileNoSuchFile?, .fileReadNoSuchFile?: String(cString: strerror(ENOENT))
      case .fileWriteOutOfSpace?: String(cString: strerror(ENOSPC))
      case .fileWriteVolumeReadOnly?: String(cString: strerror(EROFS))
      case .fileReadNoPermission?, .fileWriteNoPermission?: String(cString: strerror(EACCES))
      case .fileWriteFileExists?: String(cString: strerror(EEXIST))
      default: "the system gives no reason"
      }
    }

    var advice: String {
      switch number {
      case ENOSPC?, EDQUOT?: "free space on that disk"
      case EACCES?, EPERM?, EROFS?:
        isReading ? "check the permissions" : "choose a folder that you may write to"
      case ENOENT?, ENOTDIR?:
        isReading ? "check the path" : "choose a folder that exists or can be made"
      default: "check the path and its permissions"
      }
    }
  }
}
