import Cryptography
import Foundation
import TestSupport
import Testing

@testable import Study

/// The transcript is the study: running the program over it gives the same result, and a transcript
/// that was changed is found out.
@Suite struct ReplayTests {
  private func isRefused(_ transcript: Transcript) async -> Bool {
    do {
      _ = try await transcript.replayed()
      return false
    } catch let error as StudyError {
      // A changed total may contradict the totals before it: the program finds that first.
      return error.code == .transcriptMismatch || error.code == .implausibleTotal
    } catch {
      return false
    }
  }

  @Test func theReplayIsBitIdentical() async throws {
    let recorded = try await Recorded.shared.value
    let replayed = try await recorded.transcript.replayed()
    #expect(replayed.digest == recorded.result.digest)
    #expect(replayed.digest == recorded.transcript.result)
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    #expect(try encoder.encode(replayed) == encoder.encode(recorded.result))
    for (left, right) in zip(replayed.models, recorded.result.models) {
      #expect(bits(left.coefficients) == bits(right.coefficients))
    }
  }

  @Test func theReplaySurvivesTheFile() async throws {
    let recorded = try await Recorded.shared.value
    let read = try Transcript(fileBytes: recorded.transcript.fileBytes)
    #expect(try await read.replayed().digest == recorded.result.digest)
  }

  /// Any change of an entry is found by the query after it, which is bound to the chain; a change
  /// of the last entry's content moves the head.
  @Test func aChangedEntryIsFound() async throws {
    let recorded = try await Recorded.shared.value
    let last = recorded.transcript.entries.count - 1
    for index in recorded.transcript.entries.indices {
      for change in 0..<5 {
        var altered = recorded.transcript
        switch change {
        case 0:
          var bytes = altered.entries[index].query.bytes
          bytes[index % 32] ^= 1
          altered.entries[index].query = try Digest(bytes)
        case 1: altered.entries[index].index += 1
        case 2:
          altered.entries[index].kind =
            altered.entries[index].kind == .profile ? .moments : .profile
        case 3: altered.entries[index].content = content(altered.entries[index].content, false)
        default: altered.entries[index].content = content(altered.entries[index].content, true)
        }
        #expect(altered != recorded.transcript)
        if index == last, change > 2 {
          #expect(head(altered) != recorded.head)
        } else {
          #expect(await isRefused(altered), "entry \(index), change \(change)")
        }
      }
    }
    #expect(head(recorded.transcript) == recorded.head)
  }

  /// One value, or one participant, of a published result changed.
  private func content(
    _ content: TranscriptEntry.Content, _ participant: Bool
  ) -> TranscriptEntry.Content {
    switch content {
    case .total(var total):
      if participant {
        total.participants.removeLast()
      } else {
        total.values[total.values.count / 2] += 1
      }
      return .total(total)
    case .answers(var answers):
      if participant {
        answers.removeLast()
      } else {
        answers[0].answer[answers[0].answer.count - 1] ^= 1
      }
      return .answers(answers)
    }
  }

  private func head(_ transcript: Transcript) -> String {
    guard let study = try? transcript.agreedStudy() else { return "" }
    return transcript.entries.reduce(TranscriptEntry.genesis(of: study)) {
      $1.head(after: $0)
    }.hex
  }

  @Test func missingSwappedAndRepeatedEntriesAreFound() async throws {
    let recorded = try await Recorded.shared.value
    for index in recorded.transcript.entries.indices {
      var shorter = recorded.transcript
      shorter.entries.remove(at: index)
      #expect(await isRefused(shorter), "without \(index)")
      var longer = recorded.transcript
      longer.entries.insert(longer.entries[index], at: index)
      #expect(await isRefused(longer), "twice \(index)")
      guard index > 0 else { continue }
      var swapped = recorded.transcript
      swapped.entries.swapAt(index, index - 1)
      #expect(await isRefused(swapped), "swapped \(index)")
    }
  }

  @Test func theTranscriptOfAnotherStudyIsRefused() async throws {
    let recorded = try await Recorded.shared.value
    var text = recorded.transcript
    text.studyText = text.studyText.replacing("threshold: 0.3", with: "threshold: 0.31")
    #expect(await isRefused(text))
    var sites = recorded.transcript
    sites.sites.reverse()
    #expect(await isRefused(sites))
    var disclosures = recorded.transcript
    disclosures.disclosures = []
    #expect(await isRefused(disclosures))
    var empty = recorded.transcript
    empty.entries = []
    #expect(await isRefused(empty))
  }

  /// How a result came about is kept beside the chain, so that a lost round leaves no mark.
  @Test func evidenceIsNotPartOfTheChain() async throws {
    let recorded = try await Recorded.shared.value
    var altered = recorded.transcript
    for index in altered.entries.indices { altered.entries[index].round = UInt64(100 + index) }
    #expect(head(altered) == recorded.head)
    #expect(try await altered.replayed().digest == recorded.result.digest)
  }

  @Test func theSignedStatementCoversQuerySiteAndAnswer() throws {
    let query = try Digest([UInt8](repeating: 1, count: 32))
    let other = try Digest([UInt8](repeating: 2, count: 32))
    let statements = [
      TranscriptEntry.SignedAnswer.statement(query: query, site: "a", answer: [1]),
      TranscriptEntry.SignedAnswer.statement(query: other, site: "a", answer: [1]),
      TranscriptEntry.SignedAnswer.statement(query: query, site: "b", answer: [1]),
      TranscriptEntry.SignedAnswer.statement(query: query, site: "a", answer: [2]),
      TranscriptEntry.SignedAnswer.statement(query: query, site: "", answer: [97, 1]),
    ]
    #expect(Set(statements).count == statements.count)
  }
}
