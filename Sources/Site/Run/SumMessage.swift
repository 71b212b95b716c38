import FixedPoint
import SecureAggregation

/// What a driver reads of a secure-sum message without taking it (protocol/README.md §3 and §4).
enum SumMessage {
  /// The kind byte of an envelope; nil when there is none or it is unknown.
  static func kind(_ message: [UInt8]) -> SecureAggregation.MessageKind? {
    message.count > 6 ? SecureAggregation.MessageKind(rawValue: message[6]) : nil
  }

  /// The ring width of a RoundOpen body, its second byte.
  static func ringWidth(ofRoundOpenBody body: [UInt8]) -> RingWidth {
    body.count > 1 ? RingWidth(rawValue: body[1]) ?? .bits64 : .bits64
  }
}
