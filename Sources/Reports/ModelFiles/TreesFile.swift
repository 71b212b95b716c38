import BoostedTrees
import Foundation

/// Trees in Wardround's own JSON, read back bit for bit.
public enum TreesFile {
  /// Largest file that is read, in bytes.
  public static let maximumByteCount = 256 << 20

  /// The model's bytes: sorted keys, shortest decimals that read back as the same doubles. The same
  /// model gives the same bytes. Throws `outOfRange` for a model with a number that is not finite.
  public static func bytes(of model: TreeEnsemble) throws(ReportsError) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
      return Array(try encoder.encode(model))
    } catch {
      throw ReportsError(.outOfRange, "the trees hold a number that is not finite")
    }
  }

  /// Reads a model. Throws `tooLarge`, `unknownFormat` or `malformed`.
  public static func model(_ bytes: [UInt8]) throws(ReportsError) -> TreeEnsemble {
    guard bytes.count <= maximumByteCount else {
      throw ReportsError(.tooLarge, "the model file is too large")
    }
    do {
      return try JSONDecoder().decode(TreeEnsemble.self, from: Data(bytes))
    } catch is BoostedTreesError {
      throw ReportsError(
        .unknownFormat, "the trees are of another version or contradict themselves")
    } catch {
      throw ReportsError(.malformed, "the file is not a model of trees")
    }
  }
}
