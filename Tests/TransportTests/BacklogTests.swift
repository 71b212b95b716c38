import Testing
import Transport

@Suite struct BacklogTests {
  @Test func eachSenderHasItsOwnBound() {
    let backlog = Backlog<UInt16>(limit: 3)
    #expect((0..<5).map { _ in backlog.enter(1) } == [true, true, true, false, false])
    #expect(backlog.enter(2))
    backlog.leave(1)
    #expect(backlog.enter(1))
    #expect(!backlog.enter(1))
  }
}
