import PortableNumerics

/// Seeded raw records of stays and a study that starts from them.
///
/// Of each patient: the site, the sex and the age, known from the start; one stay on a day of 2020;
/// lactates and pulses from a day before to three days after it; for some a death between the first hour
/// and the fortieth day. The first 24 hours of a stay are what the study predicts from.
public enum SyntheticRecords {
  public static let sites = ["east", "north", "west"]

  /// The `records.yaml` of a folder with `records.csv` and `facts.csv`.
  public static let description = """
    sources:
      - {form: wide, file: facts.csv, subject: id, time: always, columns: [site, sex, age]}
      - {form: long, file: records.csv, subject: id, time: t, code: what, value: value}
    """

  /// The study file. `more` are lines at its end.
  public static func study(_ more: String = "") -> String {
    """
    study: from-records
    title: Death after a stay
    task:
      user: u
      decision: d
      action: a
      harm_of_false_positive: fp
      harm_of_false_negative: fn
      responsible_role: r
    records:
      variables:
        - {name: stay, type: occurrence}
        - {name: death, type: occurrence}
        - {name: site, type: category}
        - {name: sex, type: category}
        - {name: age, unit: a, range: [0, 120]}
        - {name: lactate, codes: [lact], unit: mmol/L, range: [0, 50]}
        - {name: pulse, unit: /min, range: [0, 300]}
      index: {event: stay}
      predict: {after: 24 h}
      include:
        - {variable: age, at_least: 18, because: adults}
      outcome: {name: died, event: death, within: 30 d}
      features:
        - {variable: site, functions: last, name: site, label: true}
        - {variable: sex, functions: last, name: sex}
        - {variable: age, functions: last, name: age}
        - {variable: lactate, window: since index, functions: [max, count]}
        - {variable: pulse, window: last 24 h, functions: [mean, last]}
    holdout: {fraction: 0.3}
    models: [{name: newton, training: newton, ridge: 1}]
    privacy: {minimum_cell: 5}

    """ + more
  }

  /// The texts of `facts.csv` and `records.csv`; with a site, of its patients only.
  public static func files(
    patients: Int = 900, seed: UInt64 = 3, site only: String? = nil
  ) -> (facts: String, records: String) {
    var generator = SplitMix64(seed: seed)
    var facts = "id,site,sex,age\n"
    var records = "id,t,what,value\n"
    for patient in 0..<patients {
      let site = sites[generator.uniformInteger(below: sites.count)]
      let sex = generator.uniformDouble() < 0.5 ? "female" : "male"
      let age = 10 + generator.uniformInteger(below: 80)
      let start = generator.uniformInteger(below: 200 * 24)
      let sick = generator.uniformDouble()
      var own = "\(patient),\(time(start)),stay,\n"
      for hour in stride(from: -24, to: 72, by: 4) where generator.uniformDouble() < 0.6 {
        let lactate = (10 + 60 * sick * generator.uniformDouble()).rounded() / 10
        own += "\(patient),\(time(start + hour)),lact,\(lactate)\n"
        own += "\(patient),\(time(start + hour)),pulse,\(60 + (50 * sick).rounded())\n"
      }
      if generator.uniformDouble() < 0.7 * sick * sick {
        own += "\(patient),\(time(start + 1 + generator.uniformInteger(below: 40 * 24))),death,\n"
      }
      guard only == nil || only == site else { continue }
      facts += "\(patient),\(site),\(sex),\(age)\n"
      records += own
    }
    return (facts, records)
  }

  /// Hours after the beginning of 2020, as a time of the first months of it.
  private static func time(_ hour: Int) -> String {
    let lengths = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    var day = max(0, hour + 48) / 24
    var month = 0
    while month < 11, day >= lengths[month] {
      day -= lengths[month]
      month += 1
    }
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "2020-\(two(month + 1))-\(two(day + 1))T\(two(max(0, hour + 48) % 24)):00:00"
  }
}
