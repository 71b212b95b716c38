import BoostedTrees
import CanonicalBytes

extension SumQuery {
  /// One noisy step of a model of trees. It carries all that the answer is made from, so that a site
  /// that comes back needs none of the steps before.
  public struct PrivateTreeQuery: Sendable, Hashable {
    public var model: ModelSpecification
    /// Step of this model, from 0.
    public var step: Int
    /// The bins, and the model so far, whose margins the gradients are taken at.
    public var fitted: TreeModel
    /// What is summed.
    public var cells: PrivateCells
    public var noise: NoiseRequirement

    /// Elements of the answer.
    var length: Int { cells.cellCount(fitted.columns.bins) }

    func write(to writer: inout ByteWriter) {
      model.write(to: &writer)
      writer.integer(UInt32(step))
      writer.raw(fitted.digest.bytes)
      cells.write(to: &writer)
      noise.write(to: &writer)
    }
  }
}

extension PrivateCells {
  func write(to writer: inout ByteWriter) {
    func write(_ features: [Int]) { writer.array(features) { $0.integer(UInt32($1)) } }
    switch self {
    case .gradients(let features):
      writer.integer(UInt8(0))
      write(features)
    case .leaves(let trees):
      writer.integer(UInt8(1))
      writer.array(trees) { $1.write(to: &$0) }
    case .histograms(let tree, let features):
      writer.integer(UInt8(2))
      tree.write(to: &writer)
      write(features)
    case .leafGradients(let tree):
      writer.integer(UInt8(3))
      tree.write(to: &writer)
    case .margins(let cuts):
      writer.integer(UInt8(4))
      writer.array(cuts) { $0.double($1) }
    }
  }
}

extension LocalAnswers {
  /// One noisy step of a model of trees over this site's training patients, without the noise.
  mutating func privateTrees(_ query: SumQuery.PrivateTreeQuery) throws -> [Int64] {
    let rows = cohort.rowIndices(.training)
    let columns = query.fitted.columns
    if treeWork.privateTable?.columns != columns {
      treeWork.privateTable = (columns, try columns.table(of: cohort, rows: rows))
    }
    guard let table = treeWork.privateTable?.table else { return [] }
    return try query.cells.answer(
      table: table, outcomes: rows.map { cohort.outcome[$0] },
      patients: rows.map { cohort.patients[$0] }, margins: try query.fitted.margins(of: table))
  }
}
