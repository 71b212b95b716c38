import Store
import Study
import Transport

/// How studies end before their report: with an error, withdrawn, or because nobody decides.
extension StudyBoard {
  /// Ends a study with an error that names who and why. An ending that cannot be stored is not final: the
  /// study is interrupted instead, so that nobody is told what the next start would not know.
  func fail(_ id: String, _ reason: String) async {
    guard open[id] != nil, interruptions[id] == nil else { return }
    setup.log("study \(id) stopped: \(reason)")
    do {
      try await store.setStatus(id, to: .failed, error: reason)
    } catch let error where error.isOfTheMachine {
      return interrupt(id, error, after: reason)
    } catch {
      setup.log("study \(id): the failure could not be stored: \(error)")
    }
    await announce(id, reason)
  }

  /// Stops a study in this process because the machine failed it (a full disk, a database that cannot be
  /// written): whoever watches learns who and why, from memory, the sites are told nothing final, and the
  /// stored state stays as it is, so that the next start takes the study up.
  ///
  /// - Parameter reason: why the study was about to end, when the machine failed at writing that down.
  func interrupt(_ id: String, _ error: StoreError, after reason: String? = nil) {
    setup.log("study \(id) is interrupted: \(error)")
    // Without the path: researchers read it.
    let cause = "\(setup.aggregatorName): \(error.message)"
    interruptions[id] =
      (reason.map { "\($0); and \(cause)" } ?? cause)
      + ". The study waits; it goes on where it stopped when the aggregator is started again"
      + (error.remedy.isEmpty ? "" : ". For its operator: \(error.remedy)")
    open[id]?.run = nil
    finished[id] = nil
    tasks.removeValue(forKey: id)?.cancel()
  }

  /// Tells everybody that a study has stopped, and forgets it.
  private func announce(_ id: String, _ reason: String) async {
    guard let study = open[id] else { return }
    await note(id, "failed", reason, 1)
    for site in study.invited {
      enqueue(.ended(.init(succeeded: false, message: reason)), study: id, to: site)
    }
    tasks[id]?.cancel()
    forget(id)
  }

  func forget(_ id: String) {
    open[id] = nil
    tasks[id] = nil
    finished[id] = nil
    interruptions[id] = nil
  }

  /// Looks after studies that somebody is waiting for, until the task is cancelled: ends those that an
  /// operator has withdrawn in the store (`wardround aggregator cancel`), and those that the sites have
  /// not decided within the plan's `deadlines.approval_days`, naming who has not.
  ///
  /// - Parameter interval: how often the store's version and the clock are looked at.
  public func watchProposals(every interval: Duration = .milliseconds(500)) async {
    var seen: Int64?
    while !Task.isCancelled {
      do {
        let version = try await store.dataVersion()
        if version != seen { try await endWithdrawn() }
        seen = version
        try await endUndecided()
      } catch {
        setup.log("the store cannot be read: \(error)")
      }
      do { try await Task.sleep(for: interval) } catch { return }
    }
  }

  private func endWithdrawn() async throws {
    for id in open.keys.sorted() {
      guard let stored = try await store.study(id), stored.status == .cancelled else { continue }
      setup.log("study \(id) was withdrawn")
      await announce(id, stored.error ?? "withdrawn by the operator")
    }
  }

  private func endUndecided() async throws {
    for (id, study) in open where study.step < .running && interruptions[id] == nil {
      guard let proposedAt = try await store.study(id)?.proposedAt,
        store.now - proposedAt > study.plan.deadlines.approvalDays * 86_400
      else { continue }
      let silent = study.invited.filter { site in
        study.decisions[site] == nil
          || study.decisions[site]?.approved == true && study.step == .agreeing
            && study.signatures[site] == nil
      }
      await fail(
        id,
        "waited \(study.plan.deadlines.approvalDays) days for the decision of"
          + " \(silent.joined(separator: ", ")); propose the study again under another name, without"
          + " them or with more time (`deadlines.approval_days`)")
    }
  }

  /// A site that comes back with a study which ended while it was away is told so, and does not wait
  /// for ever.
  func sayHowItEnded(_ frame: Frame, to site: String) async {
    guard let kind = Study.MessageKind(rawValue: frame.kind),
      kind == .position || kind == .decision
    else { return }
    let ending: AggregatorMessage.Ending
    do {
      let study = try await store.study(frame.study)
      switch study?.status {
      case .finished: ending = .init(succeeded: true, message: "the study is finished")
      case .failed: ending = .init(succeeded: false, message: study?.error ?? "the study stopped")
      case .cancelled:
        ending = .init(succeeded: false, message: study?.error ?? "withdrawn by the operator")
      case nil: ending = .init(succeeded: false, message: "the study is not known here")
      case .proposed, .running: return
      }
    } catch {
      return setup.log("\(site): what became of \(frame.study) cannot be read: \(error)")
    }
    enqueue(.ended(ending), study: frame.study, to: site)
  }
}
