import Testing

@testable import SecureAggregation

/// The transition tables themselves.
@Suite struct StateTests {
  @Test("Every state of a site has an entry, and every state but HALTED can be left")
  func siteTable() {
    for state in SiteState.allCases {
      #expect(SiteState.transitions[state] != nil)
    }
    #expect(SiteState.transitions[.halted]?.isEmpty == true)
    for state in SiteState.allCases where state != .halted {
      #expect(state.targets(of: .epochOpen) == [.offered], "\(state)")
      #expect(!state.targets(of: .fault).isEmpty, "\(state)")
    }
  }

  @Test("The only way to Masked, Ack and Unmask is step by step")
  func siteOrder() {
    func sources(_ target: SiteState, without same: Bool = true) -> [SiteState: [SiteState.Event]] {
      var result: [SiteState: [SiteState.Event]] = [:]
      for (state, events) in SiteState.transitions where !(same && state == target) {
        for (event, targets) in events where targets.contains(target) {
          result[state, default: []].append(event)
        }
      }
      return result
    }
    #expect(sources(.locked) == [.shared: [.lock1], .opened: [.lock1]])
    #expect(sources(.committed) == [.locked: [.answer]])
    #expect(sources(.acked) == [.committed: [.lock2]])
    #expect(sources(.released) == [.acked: [.ackSet]])
    #expect(Set(sources(.done).keys) == [.committed, .acked, .released, .aborted])
    #expect(Set(sources(.done).values.joined()) == [.result])
    #expect(sources(.idle) == [.confirming: [.confirmSet]])
    #expect(Set(sources(.halted).values.joined()) == [.fault])
  }

  @Test("Nothing leads back into a round that was left")
  func siteNoReturn() {
    for state in [SiteState.aborted, .done] {
      let targets = SiteState.transitions[state]?.values.reduce(into: Set()) { $0.formUnion($1) }
      #expect(
        targets?.isDisjoint(with: [.locked, .committed, .acked, .released]) == true, "\(state)")
    }
  }

  @Test("Every state of the aggregator has an entry, and each stage of a round may fail")
  func aggregatorTable() {
    for state in AggregatorState.allCases {
      #expect(state.targets(of: .openEpoch) == [.offers], "\(state)")
      if state.awaited != nil { #expect(state.targets(of: .roundFailed) == [.failed]) }
    }
    #expect(AggregatorState.unmask.targets(of: .sumOpened) == [.published])
    #expect(AggregatorState.shares.targets(of: .openRound).isEmpty)
  }

  @Test("Fault codes: names are distinct, and numbers are those of the registry")
  func faults() {
    #expect(Set(FaultCode.allCases.map(\.name)).count == FaultCode.allCases.count)
    #expect(Set(FaultCode.allCases.map(\.message)).count == FaultCode.allCases.count)
    #expect(FaultCode.seedMismatch.rawValue == 35)
    #expect(FaultCode.sumRejected.rawValue == 53)
    #expect(FaultCode(rawValue: 0) == nil)
  }
}
