import Aggregator
import ArgumentParser
import DifferentialPrivacy
import Foundation
import Identity
import PrivacyAudit
import Reports
import Site
import SiteData
import Store
import StrictYAML
import Study
import Transport

/// Turns the errors of membership into one line on standard error and an exit code.
enum CommandFailure {
  /// Runs a command's body.
  static func reporting(_ body: () async throws -> Void) async throws {
    do { try await body() } catch let error as ExitCode { throw error } catch {
      FileHandle.standardError.write(Data("error: \(words(error))\n".utf8))
      throw status(error)
    }
  }

  /// What went wrong, for whoever typed the command.
  static func words(_ error: any Error) -> String {
    switch error {
    case let error as IdentityError:
      [error.message, error.location].compactMap { $0 }.joined(separator: ": ")
    case let error as MembershipError: error.description
    case let error as JoiningError: error.description
    case let error as TransportError: error.description
    case let error as StoreError: error.description
    case let error as YAMLProblem: error.description
    case let error as StudyError: error.message
    case let error as SiteDataError: error.description
    case let error as FeatureExtraction.Failure: error.description
    case let error as ReportsError: error.description
    case let error as DifferentialPrivacyError: error.description
    case let error as AuditError: error.message
    case let error as ValidationError: error.message
    default: SystemReason.sentence(error) ?? "unexpected failure: \(type(of: error))"
    }
  }

  private static func status(_ error: any Error) -> ExitCode {
    switch error {
    case let error as JoiningError:
      switch error.code {
      case .refused, .wrongAggregator: ExitStatus.refused
      case .notReachable: ExitStatus.unavailable
      case .wrongAnswer: ExitStatus.failed
      default: ExitStatus.wrongInput
      }
    case let error as TransportError:
      switch error.code {
      case .notReachable, .connectionLost, .deadlineExceeded, .shuttingDown:
        ExitStatus.unavailable
      case .refused, .revoked, .permissionDenied, .certificateRefused, .peerCertificateRefused:
        ExitStatus.refused
      case .notFound: ExitStatus.wrongInput
      default: ExitStatus.failed
      }
    case is StoreError: ExitStatus.failed
    case let error as StudyError:
      error.code == .invalidPlan ? ExitStatus.wrongInput : ExitStatus.failed
    default: ExitStatus.wrongInput
    }
  }
}
