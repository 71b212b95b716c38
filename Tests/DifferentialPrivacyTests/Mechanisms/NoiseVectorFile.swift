import Cryptography
import DifferentialPrivacy
import Foundation
import Testing

/// A vector file of noise, written by the protocol's independent reference implementation.
struct NoiseVectorFile: Decodable {
  struct Step: Decodable {
    let op: String
    let seed: String?
    let variance: String?
    let numerator: String?
    let denominator: String?
    let bound: String?
    let values: [String]?
    let sites: Int?
    let colluders: Int?
    let threshold: Int?
    let length: Int?
    let words: [String]?
    let expect: Expectation
  }

  struct Expectation: Decodable {
    let values: [String]?
    let base: String?
    let layers: [Layer]?
    let survivors: [String: Survivors]?
    let length: String?
    let thresholds: [String]?
    let block: Int?
    let used: Int?
  }

  struct Layer: Decodable {
    let limit: Int
    let variance: String
  }

  struct Survivors: Decodable {
    let remove: [Int]
    let kept: String
  }

  let format: String
  let kind: String
  let steps: [Step]

  static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../../protocol/vectors/noise").standardizedFileURL

  static func named(_ name: String) throws -> NoiseVectorFile {
    let data = try Data(contentsOf: folder.appending(path: "\(name).json"))
    let file = try JSONDecoder().decode(NoiseVectorFile.self, from: data)
    #expect(file.format == "wss1-noise/1")
    #expect(!file.steps.isEmpty)
    return file
  }
}

/// A sampler under test, filled from a seed in an array.
func drawNoise(
  count: Int, seed: [UInt8],
  _ fill: (inout [Int64], UnsafeRawBufferPointer) throws(DifferentialPrivacyError) -> Void
) throws -> [Int64] {
  var values = [Int64](repeating: 0, count: count)
  try seed.withUnsafeBytes { try fill(&values, $0) }
  return values
}

/// A seed of a test: the number in the first byte, the rest zeros.
func noiseSeed(_ number: UInt8) -> [UInt8] { [number] + [UInt8](repeating: 0, count: 31) }
