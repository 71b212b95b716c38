import Testing

@testable import SecureAggregation

/// A query that goes on with what an earlier sum asked about is answered over the same sites only.
@Suite("Companions") struct CompanionTests {
  private static let answers: [UInt16: [Int64]] = Dictionary(
    uniqueKeysWithValues: (1...5).map { (UInt16($0), [Int64(10 * $0), 7, -3]) })

  /// A round whose query needs these sites.
  private func opened(
    companions: Set<UInt16>, members: [UInt16]? = nil, mode: RoundMode? = nil,
    losing: UInt16? = nil
  ) throws -> Federation {
    var federation = try Federation.keyed(5)
    let binding = try Federation.binding("level 2", length: 3)
    for index in federation.everyone {
      federation.sites[index]?.expect(binding, companions: companions)
      federation.apply(federation.sites[index]?.answer(Self.answers[index] ?? []) ?? [], of: index)
    }
    if let losing {
      federation.isLost = { packet in
        packet.from == losing && Envelope.unchecked(packet.message)?.kind == .masked
      }
    }
    federation.apply(try federation.aggregator.openRound(binding, members: members, mode: mode))
    federation.settle()
    return federation
  }

  @Test("with all of them there the sum is the sum")
  func together() throws {
    let federation = try opened(companions: [1, 2, 3, 4, 5])
    let outcome = try #require(federation.outcomes.last)
    #expect(outcome.total.signed == Federation.sum(Self.answers, over: [1, 2, 3, 4, 5]))
  }

  @Test("without one of them everybody gives zeros")
  func oneIsAway() throws {
    let federation = try opened(companions: [1, 2, 3, 4, 5], members: [1, 2, 3, 4])
    let outcome = try #require(federation.outcomes.last)
    #expect(outcome.participants == [1, 2, 3, 4])
    #expect(outcome.total.signed == [0, 0, 0])
    #expect(federation.aborts.isEmpty)
  }

  @Test("a site that was not among them gives zeros, the others their answers")
  func oneIsBack() throws {
    let federation = try opened(companions: [1, 2, 4, 5])
    let outcome = try #require(federation.outcomes.last)
    #expect(outcome.participants == [1, 2, 3, 4, 5])
    #expect(outcome.total.signed == Federation.sum(Self.answers, over: [1, 2, 4, 5]))
  }

  /// The answers are in the masked vectors already: nobody acknowledges a set without the fifth.
  @Test("one that is lost after the vectors have left ends the round unopened")
  func lostLate() throws {
    let federation = try opened(companions: [1, 2, 3, 4, 5], losing: 5)
    #expect(federation.outcomes.isEmpty)
    for index in 1...4 {
      #expect(
        federation.aborts[UInt16(index)]?.last
          == SecureAggregationError(.siteMissing, naming: [0]))
    }
    #expect(federation.failures.last?.code == .siteMissing)
    #expect(federation.sent.count { $0.kind == .unmask } == 0)
    #expect(federation.evidence.values.joined().isEmpty)
  }
}
