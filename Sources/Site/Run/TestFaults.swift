import Cryptography
import SecureAggregation
import Study

#if DEBUG
  import Foundation
  import LinearModels
  import Synchronization
#endif

/// Misbehaviour on demand, for the tests that kill, freeze and corrupt real agents. Compiled into
/// debug builds only; a release build has none of it.
///
/// `WARDROUND_TEST_FAULT` is `<what>@<step>[#<n>]`: what to do, at which message of the secure-sum
/// protocol (its kind number), and at which occurrence; `slow` waits 0.3 s at each of that many.
enum TestFaults {
  #if DEBUG
    private struct Fault {
      let what: String
      let step: UInt8
      let occurrence: Int
    }

    private static let fault: Fault? = {
      guard let text = ProcessInfo.processInfo.environment["WARDROUND_TEST_FAULT"] else {
        return nil
      }
      let parts = text.split(separator: "@", maxSplits: 1)
      let place = parts.count > 1 ? parts[1].split(separator: "#") : []
      return Fault(
        what: String(parts.first ?? ""), step: place.first.flatMap { UInt8($0) } ?? 0,
        occurrence: place.count > 1 ? Int(place[1]) ?? 1 : 1)
    }()

    private static let seen = Mutex(0)

    private static func strike(_ message: [UInt8]) {
      guard let fault, message.count > 6, message[6] == fault.step else { return }
      let count = seen.withLock { count in
        count += 1
        return count
      }
      if fault.what == "slow", count <= fault.occurrence { usleep(300_000) }
      guard count == fault.occurrence else { return }
      switch fault.what {
      case "kill": kill(getpid(), SIGKILL)
      case "freeze": kill(getpid(), SIGSTOP)
      default: return
      }
      // Another thread may take the signal: this one does not go on before the process has stopped.
      usleep(200_000)
    }
  #endif

  /// Called before a message of the aggregator is taken.
  static func beforeMessage(_ message: [UInt8]) {
    #if DEBUG
      strike(message)
    #endif
  }

  /// Called before a message is sent.
  static func beforeSending(_ message: [UInt8]) {
    #if DEBUG
      strike(message)
    #endif
  }

  /// The query as this site computes it: `not-a-number` trains with steps so large that the weights
  /// overflow.
  static func posed(_ query: SumQuery) throws -> SumQuery {
    #if DEBUG
      if fault?.what == "not-a-number", case .averaging(var round) = query,
        case .federatedAveraging(let settings) = round.model.training
      {
        round.model.training = .federatedAveraging(
          try FederatedAveragingSettings(
            rounds: settings.rounds,
            local: LocalTrainingSettings(
              epochs: 1, batchSize: 1, learningRate: 1000, l2Penalty: 1000)))
        return .averaging(round)
      }
    #endif
    return query
  }

  /// A local computation that went wrong, before the door.
  static func computed(_ values: [Int64], query: SumQuery) throws -> [Int64] {
    #if DEBUG
      switch fault?.what {
      case "negative-count" where query.kind == .profile: return values.map { -$0 - 1 }
      case "short-answer": return Array(values.dropLast())
      default: break
      }
    #endif
    return values
  }

  /// A message on its way out: `garbage@<kind>` cuts the body of every one of that kind and signs it.
  static func altered(message: [UInt8], key: SigningKey) -> [UInt8] {
    #if DEBUG
      guard let fault, fault.what == "garbage",
        let envelope = try? Envelope(parsing: message, naming: []),
        envelope.kind.rawValue == fault.step, envelope.body.count > 3
      else { return message }
      return Envelope.sealed(
        envelope.kind, manifest: envelope.manifest, epoch: envelope.epoch, round: envelope.round,
        sender: envelope.sender, body: Array(envelope.body.dropLast(3)), key: key)
    #else
      return message
    #endif
  }

  /// The masked vector's bytes on their way out.
  static func altered(payload: [UInt8]) -> [UInt8] {
    #if DEBUG
      switch fault?.what {
      case "wrong-length": return Array(payload.dropLast(8))
      case "one-number": return Array(payload.prefix(8))
      case "extra-block": return payload + [UInt8](repeating: 7, count: 4096)
      default: break
      }
    #endif
    return payload
  }

  /// A site answer on its way out.
  static func altered(_ answer: [UInt8]) -> [UInt8] {
    #if DEBUG
      if fault?.what == "random-answer" { return answer.map { $0 ^ 0x5A } }
    #endif
    return answer
  }
}
