extension StudySummary {
  var protobuf: Wardround_V1_StudySummary {
    var message = Wardround_V1_StudySummary()
    message.study = study
    message.name = name
    message.state = state
    message.detail = detail
    return message
  }

  init(_ message: Wardround_V1_StudySummary) {
    self.init(
      study: message.study, name: message.name, state: message.state, detail: message.detail)
  }
}

extension SiteSummary {
  var protobuf: Wardround_V1_SiteSummary {
    var message = Wardround_V1_SiteSummary()
    message.name = name
    message.state = state
    message.detail = detail
    return message
  }

  init(_ message: Wardround_V1_SiteSummary) {
    self.init(name: message.name, state: message.state, detail: message.detail)
  }
}

extension ProgressEvent {
  var protobuf: Wardround_V1_ProgressEvent {
    var event = Wardround_V1_ProgressEvent()
    event.stage = stage
    event.fraction = fraction
    event.message = message
    if let secondsLeft { event.secondsLeft = secondsLeft }
    event.finalState = finalState ?? ""
    return event
  }

  init(_ event: Wardround_V1_ProgressEvent) {
    self.init(
      stage: event.stage, fraction: event.fraction, message: event.message,
      secondsLeft: event.hasSecondsLeft ? event.secondsLeft : nil,
      finalState: event.finalState.isEmpty ? nil : event.finalState)
  }
}
