/// The coded form, which a saved model keeps for ever: a `name` and the numbers of the objective.
extension Objective: Codable {
  private enum CodingKeys: String, CodingKey { case name, lower, upper, maximum, classCount }

  private enum Name: String, Codable {
    case logistic
    case squaredError = "squared-error"
    case poisson
    case multiclass
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    switch try container.decode(Name.self, forKey: .name) {
    case .logistic: self = .logistic
    case .squaredError:
      self = .squaredError(
        lower: try container.decode(Double.self, forKey: .lower),
        upper: try container.decode(Double.self, forKey: .upper))
    case .poisson: self = .poisson(maximum: try container.decode(Double.self, forKey: .maximum))
    case .multiclass:
      self = .multiclass(classCount: try container.decode(Int.self, forKey: .classCount))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .logistic: try container.encode(Name.logistic, forKey: .name)
    case .squaredError(let lower, let upper):
      try container.encode(Name.squaredError, forKey: .name)
      try container.encode(lower, forKey: .lower)
      try container.encode(upper, forKey: .upper)
    case .poisson(let maximum):
      try container.encode(Name.poisson, forKey: .name)
      try container.encode(maximum, forKey: .maximum)
    case .multiclass(let classCount):
      try container.encode(Name.multiclass, forKey: .name)
      try container.encode(classCount, forKey: .classCount)
    }
  }
}
