/// The texts of the templates. Codes that begin with `visit`, `person:` and `death` are those under which
/// OMOP and FHIR sources are read; sites with other extracts map their own to them.
extension StudyTemplate {
  var task: (title: String, answers: [(String, String)]) {
    switch self {
    case .readmission:
      (
        "Readmission within 30 days of a discharge",
        [
          ("user", "discharge nurse"), ("decision", "who gets a call in the first week at home"),
          ("action", "above the threshold the patient is called on the third day"),
          ("harm_of_false_positive", "a call that was not needed"),
          ("harm_of_false_negative", "a readmission that a call might have prevented"),
          ("responsible_role", "head of case management"),
          ("oversight", "calls and readmissions are reviewed each quarter"),
        ]
      )
    case .intensiveCareMortality:
      (
        "Death in hospital, 24 hours after admission to intensive care",
        [
          ("user", "intensive care physicians on the morning round"),
          ("decision", "whether goals of care are discussed today"),
          ("action", "above the threshold the team meets the family within the day"),
          ("harm_of_false_positive", "a burdensome conversation that was not needed"),
          ("harm_of_false_negative", "the conversation comes late"),
          ("responsible_role", "head of intensive care"),
          ("oversight", "the physician decides and sees the course of the organ functions"),
        ]
      )
    case .sepsis:
      (
        "Sepsis within 6 hours, every hour",
        [
          ("user", "nurse at the bedside"),
          ("decision", "whether a physician looks at the patient now"),
          ("action", "above the threshold a physician comes and cultures are considered"),
          ("harm_of_false_positive", "a visit that was not needed, and alarm fatigue"),
          ("harm_of_false_negative", "antibiotics come hours later"),
          ("responsible_role", "head of intensive care"),
          ("oversight", "alarms per shift are counted and reviewed each month"),
        ]
      )
    case .heartDisease:
      (
        "Coronary artery disease before angiography",
        [
          ("user", "cardiologist in an outpatient clinic"),
          ("decision", "whether a patient is referred for angiography now"),
          ("action", "above the threshold angiography is offered"),
          ("harm_of_false_positive", "an invasive procedure that finds nothing"),
          ("harm_of_false_negative", "a narrowed vessel is found weeks later"),
          ("responsible_role", "head of cardiology"),
          ("oversight", "a cardiologist decides on every referral"),
        ]
      )
    case .cancerSurvival:
      (
        "Death within five years of a breast cancer diagnosis",
        [
          ("user", "tumour board"), ("decision", "which patients are seen more often"),
          ("action", "above the threshold follow-up is every three months"),
          ("harm_of_false_positive", "visits and worry that were not needed"),
          ("harm_of_false_negative", "a relapse is found later"),
          ("responsible_role", "head of oncology"),
          ("oversight", "the board decides and notes why"),
        ]
      )
    }
  }

  var body: String {
    switch self {
    case .readmission: Self.readmissionBody
    case .intensiveCareMortality: Self.intensiveCareBody
    case .sepsis: Self.sepsisBody
    case .heartDisease: Self.heartBody
    case .cancerSurvival: Self.cancerBody
    }
  }

  private static let readmissionBody = """
    records:
      variables:
        # Inpatient stays. OMOP: visit concept 9201 (and 262, through the emergency room); FHIR: class IMP.
        - {name: admission, codes: ["visit:9201", "visit:262", "visit:IMP", "visit:inpatient"], type: occurrence}
        - {name: discharge, codes: ["visit-end:9201", "visit-end:262", "visit-end:IMP", "visit-end:inpatient"], type: occurrence}
        - {name: emergency, codes: ["visit:9203", "visit:EMER"], type: occurrence}
        - {name: birth, codes: ["person:birth"], type: occurrence}
        - {name: death, type: occurrence}
        - {name: sex, codes: ["person:gender"], type: category}
        - {name: heart_failure, codes: ["charlson:chf"], type: occurrence}
        - {name: lung_disease, codes: ["charlson:cpd"], type: occurrence}
        - {name: diabetes, codes: ["charlson:diab", "charlson:diabwc"], type: occurrence}
        - {name: renal_disease, codes: ["charlson:rend"], type: occurrence}
        - {name: cancer, codes: ["charlson:canc", "charlson:metacanc"], type: occurrence}
        - {name: crea, clinical: crea}
        - {name: na, clinical: na}
        - {name: hgb, clinical: hgb}
        - {name: alb, clinical: alb}
      subject: {birth: birth, death: death}
      # Every discharge is a row; the prediction is made when the patient leaves.
      index: {event: discharge, occurrence: every, apart: 1 d}
      predict: {after: 0 h}
      # Who died in hospital cannot be readmitted. Many sources know only the day of a death: `within 24 h`
      # leaves out who died on the day of the discharge as well, and within a day of it.
      include: [{variable: birth, function: years_since, at_least: 18, because: adults}]
      exclude: [{death: within 24 h, because: died in hospital or within a day of leaving it}]
      # An admission on the day of the discharge, the hour unknown, is a readmission where the source names
      # its stays (OMOP, FHIR) and it is another stay; elsewhere it is taken for the stay's own.
      outcome: {name: readmitted, event: admission, within: 30 d, at_risk: false, same_day: false}
      features:
        - {variable: birth, functions: years_since, name: age}
        - {variable: sex, functions: last, name: sex}
        - {variable: admission, window: last 365 d, functions: count, name: stays_year}
        - {variable: emergency, window: last 365 d, functions: count, name: emergencies_year}
        - {variable: admission, functions: hours_since, name: stay_hours}
        # Codes are known when they are coded: those of the stay itself often only after it.
        - {variables: [heart_failure, lung_disease, diabetes, renal_disease, cancer], functions: present}
        # The last value, carried forward for at most a week.
        - {variables: [crea, na, hgb, alb], window: last 7 d, functions: [last, min, max]}

    """

  private static let intensiveCareBody = """
    records:
      variables:
        # The admission to the unit: map your own event to this code, or write `index: start` where
        # times are counted from it.
        - {name: unit_admission, codes: [icu, "visit:581379", "visit:32037"], type: occurrence}
        - {name: birth, codes: ["person:birth"], type: occurrence}
        - {name: death, type: occurrence}
        - {name: sex, codes: ["person:gender"], type: category}
        - {name: hr, clinical: hr}
        - {name: sbp, clinical: sbp}
        - {name: map, clinical: map}
        - {name: resp, clinical: resp}
        - {name: temp, clinical: temp}
        - {name: spo2, clinical: spo2}
        - {name: fio2, clinical: fio2}
        - {name: po2, clinical: po2}
        - {name: gcs, clinical: gcs_total}
        - {name: urine, clinical: urine}
        - {name: na, clinical: na}
        - {name: k, clinical: k}
        - {name: bicar, clinical: bicar}
        - {name: bun, clinical: bun}
        - {name: crea, clinical: crea}
        - {name: glu, clinical: glu}
        - {name: bili, clinical: bili}
        - {name: lact, clinical: lact}
        - {name: ph, clinical: ph}
        - {name: hct, clinical: hct}
        - {name: wbc, clinical: wbc}
        - {name: plt, clinical: plt}
      subject: {birth: birth, death: death}
      index: {event: unit_admission, occurrence: first}
      # What is known 24 hours after the admission; nothing later can enter.
      predict: {after: 24 h}
      include: [{variable: birth, function: years_since, at_least: 18, because: adults}]
      # Without a record of a discharge status, death within 60 days stands for death in hospital: check it.
      outcome: {name: died, event: death, within: 60 d}
      features:
        - {variable: birth, functions: years_since, name: age}
        - {variable: sex, functions: last, name: sex}
        - {variables: [hr, sbp, map, resp, temp, spo2, fio2, po2, gcs, na, k, bicar, bun, crea, glu, bili, lact,
            ph, hct, wbc, plt], window: since index, functions: [min, max, mean, last]}
        - {variable: urine, window: since index, functions: sum, name: urine_day}
        - {variables: [hr, map, lact, crea], window: since index, functions: slope}
      derived:
        - {name: shock, interaction: shock_index, of: [hr_last_since, sbp_last_since]}
        - {name: oxygenation, interaction: pf_ratio, of: [po2_last_since, fio2_last_since]}

    """

  private static let sepsisBody = """
    # Hourly rows as the PhysioNet/CinC Challenge 2019 has them: a heart rate (or its gap) in every hour.
    # Its utility score rewards an alarm from 12 hours before to 3 hours after the onset. It is that of the
    # challenge's own labels, hour by hour, which the outcome below is not: that is the next hour's. Three
    # commands, all hours of every patient:
    #   wardround model predict model.json --records records.yaml > predictions.csv
    #   wardround site features --for-prediction --recipe study.yaml --records records.yaml --out labels.csv
    #   wardround model utility predictions.csv --labels labels.csv --label sepsis_label
    records:
      variables:
        - {name: label, codes: [sepsis_label], range: [0, 1]}
        - {name: age, clinical: age}
        - {name: gender, type: category}
        - {name: hr, clinical: hr}
        - {name: spo2, clinical: spo2}
        - {name: temp, clinical: temp}
        - {name: sbp, clinical: sbp}
        - {name: map, clinical: map}
        - {name: resp, clinical: resp}
        - {name: fio2, clinical: fio2}
        - {name: ph, clinical: ph}
        - {name: bun, clinical: bun}
        - {name: crea, clinical: crea}
        - {name: glu, clinical: glu}
        # Magnesium is mg/dL and lactate mmol/L there, whatever its page says: trust the distribution.
        - {name: lact, clinical: lact}
        - {name: mg, clinical: mg}
        - {name: bili, clinical: bili}
        - {name: wbc, clinical: wbc}
        - {name: plt, clinical: plt}
      # Every hour in which the patient is observed is a row.
      index: {event: label, occurrence: every, apart: 1 h}
      predict: {after: 0 h}
      # The challenge's labels begin 6 hours before the onset: with them the next hour's label is the outcome.
      # Of labels at the onset itself, write `within: 6 h`.
      outcome: {name: sepsis, event: label, at_least: 1, within: 1 h, absent: unknown, at_risk: false}
      features:
        # The label of the hour itself: a column for `model utility` that no model gets.
        - {variable: label, window: last 1 h, functions: last, name: sepsis_label, label: true}
        - {variable: age, functions: last, name: age}
        - {variable: gender, functions: last, name: gender}
        - {variables: [hr, spo2, temp, sbp, map, resp, fio2], window: last 6 h, functions: [last, min, max, slope]}
        # Laboratory values carried forward for at most a day, and how old they are.
        - {variables: [ph, bun, crea, glu, lact, mg, bili, wbc, plt], window: last 24 h, functions: [last, hours_since]}
      derived:
        - {name: shock, interaction: shock_index, of: [hr_last_last6h, sbp_last_last6h]}

    """

  private static let heartBody = """
    # The columns of the UCI heart disease files; `data.yaml` or each site.yaml says how they are written.
    cohort: {rows_per_patient: all}
    outcome: {name: a coronary artery narrowed by more than half, column: num, above: 0}
    features:
      - {name: age, type: number, unit: a, range: [18, 110], resolution: 1}
      - {name: male, column: sex, type: flag}
      - {name: chest_pain, column: cp, type: category}
      # A pressure or a cholesterol of 0 means that it was not measured.
      - {name: resting_bp, column: trestbps, type: number, unit: "mm[Hg]", range: [40, 300], resolution: 1, missing: ["0"]}
      - {name: cholesterol, column: chol, type: number, unit: mg/dL, range: [30, 1000], resolution: 1, missing: ["0"]}
      - {name: fasting_sugar_above_120, column: fbs, type: flag}
      - {name: resting_ecg, column: restecg, type: category}
      - {name: maximum_heart_rate, column: thalach, type: number, unit: /min, range: [30, 250], resolution: 1}
      - {name: exercise_angina, column: exang, type: flag}
      - {name: st_depression, column: oldpeak, type: number, unit: mm, range: [-10, 10], resolution: 0.1}
      - {name: st_slope, column: slope, type: category}
      - {name: coloured_vessels, column: ca, type: number, range: [0, 3], resolution: 1}
      - {name: thallium_scan, column: thal, type: category}

    """

  private static let cancerBody = """
    # A survival model is not there yet: this asks whether the patient dies within five years, and leaves out
    # who was not followed so long.
    records:
      variables:
        # Breast cancer: ICD-9 174, ICD-10 C50. Replace the codes for another tumour.
        - {name: diagnosis, codes: ["icd9cm:174*", "icd10cm:C50*", "icd10:C50*", "icd10gm:C50*", diagnosis], type: occurrence}
        - {name: birth, codes: ["person:birth"], type: occurrence}
        - {name: death, type: occurrence}
        - {name: last_contact, codes: ["visit*", last_contact], type: occurrence}
        - {name: sex, codes: ["person:gender"], type: category}
        - {name: stage, type: category}
        - {name: grade, type: category}
        - {name: nodes, range: [0, 100]}
        - {name: tumour_size, unit: mm, range: [0, 300]}
        - {name: heart_failure, codes: ["charlson:chf"], type: occurrence}
        - {name: diabetes, codes: ["charlson:diab", "charlson:diabwc"], type: occurrence}
        - {name: hgb, clinical: hgb}
        - {name: alb, clinical: alb}
      subject: {birth: birth, death: death}
      # The first diagnosis; the prediction is made 60 days later, when staging is complete.
      index: {event: diagnosis, occurrence: first}
      predict: {after: 60 d}
      include: [{variable: birth, function: years_since, at_least: 18, because: adults}]
      outcome: {name: died, event: death, within: 1826 d, censoring: exclude, follow_up: last_contact}
      features:
        - {variable: birth, functions: years_since, name: age}
        - {variable: sex, functions: last, name: sex}
        - {variables: [stage, grade, nodes, tumour_size], functions: last}
        - {variables: [heart_failure, diabetes], functions: present}
        - {variables: [hgb, alb], window: last 90 d, functions: last}

    """
}
