/// Distinct patients, told apart as far as a small-cell rule can ask for: of more than `limit` only that
/// there are as many.
public struct SomePatients: Sendable, Hashable {
  /// The largest minimum that can be asked for.
  public static let limit = 1000

  /// Nil once there are as many as can be asked for.
  private var members: Set<Int32>? = []
  /// The last one added: records often come patient by patient.
  private var last: Int32?

  public init() {}

  /// - Parameter patients: numbers of patients, in any order.
  public init(_ patients: some Sequence<Int32>) {
    for patient in patients { insert(patient) }
  }

  /// Adds a patient, who may be there already.
  public mutating func insert(_ patient: Int32) {
    guard members != nil, patient != last else { return }
    last = patient
    members?.insert(patient)
    if let count = members?.count, count >= Self.limit { members = nil }
  }

  /// Adds all patients of another set.
  public mutating func formUnion(_ other: Self) {
    guard let added = other.members else {
      members = nil
      return
    }
    for patient in added { insert(patient) }
  }

  public var isEmpty: Bool { members?.isEmpty ?? false }

  /// Whether there are so many, which is at most `limit`.
  public func areAtLeast(_ count: Int) -> Bool {
    members.map { $0.count >= count } ?? (count <= Self.limit)
  }

  public static func == (left: Self, right: Self) -> Bool { left.members == right.members }

  public func hash(into hasher: inout Hasher) { hasher.combine(members) }

  /// Whether there is nobody, or so many.
  public func areNobodyOrAtLeast(_ count: Int) -> Bool { isEmpty || areAtLeast(count) }
}
