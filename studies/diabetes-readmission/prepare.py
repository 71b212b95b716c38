#!/usr/bin/env python3
"""Writes the cohort of diabetes130, one CSV per proxy site.

    prepare.py DIABETIC_DATA_CSV OUTPUT_FOLDER

DIABETIC_DATA_CSV is diabetic_data.csv.gz (or .csv) of the UCI repository: 101,766 encounters at 130 US
hospitals. The public file has no hospital, so that a proxy is named openly: the admission source
(admission_source_id), six unequal sites with different case mix. Encounters that ended in death or
hospice cannot be readmitted and are left out. Age bands become their middle, ICD-9 codes their chapter.
"""

import csv
import gzip
import pathlib
import sys

SITES = {"7": "emergency-room", "1": "physician-referral", "17": "source-unknown",
         "4": "transfer-hospital", "6": "transfer-other"}
GONE = {"11", "13", "14", "19", "20", "21"}
COPIED = ["race", "gender", "admission_type_id", "discharge_disposition_id", "payer_code",
          "medical_specialty", "time_in_hospital", "num_lab_procedures", "num_procedures",
          "num_medications", "number_outpatient", "number_emergency", "number_inpatient",
          "number_diagnoses", "max_glu_serum", "A1Cresult", "metformin", "insulin", "change",
          "diabetesMed"]
CHAPTERS = [(140, "infections"), (240, "neoplasms"), (250, "endocrine"), (251, "diabetes"),
            (280, "endocrine"), (290, "blood"), (320, "mental"), (390, "nervous"),
            (460, "circulatory"), (520, "respiratory"), (580, "digestive"), (630, "genitourinary"),
            (680, "pregnancy"), (710, "skin"), (740, "musculoskeletal"), (780, "congenital"),
            (800, "symptoms"), (1000, "injury")]
EXPECTED = 101766


def chapter(code):
    if code in ("?", ""):
        return "?"
    if code[0] in "EV":
        return "external" if code[0] == "E" else "supplementary"
    number = float(code)
    return next(name for end, name in CHAPTERS if number < end)


def main(source, target):
    with (gzip.open if source.suffix == ".gz" else open)(source, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    if len(rows) != EXPECTED:
        sys.exit(f"{len(rows)} rows instead of {EXPECTED}: is this diabetes130?")
    target.mkdir(parents=True, exist_ok=True)
    files, writers, counts = {}, {}, {}
    for row in rows:
        if row["discharge_disposition_id"] in GONE:
            continue
        site = SITES.get(row["admission_source_id"], "other-source")
        if site not in writers:
            files[site] = open(target / f"{site}.csv", "w", newline="")
            writers[site] = csv.writer(files[site], lineterminator="\n")
            writers[site].writerow(
                ["patient", "encounter", "readmitted", "age", "diagnosis_1", "diagnosis_2",
                 "diagnosis_3"] + COPIED)
        low, high = row["age"].strip("[)").split("-")
        writers[site].writerow(
            [row["patient_nbr"], row["encounter_id"], int(row["readmitted"] == "<30"),
             (int(low) + int(high)) // 2] + [chapter(row[f"diag_{k}"]) for k in (1, 2, 3)]
            + [row[name] for name in COPIED])
        patients, events = counts.get(site, (0, 0))
        counts[site] = (patients + 1, events + (row["readmitted"] == "<30"))
    for site, (patients, events) in sorted(counts.items()):
        files[site].close()
        print(f"{site}: {patients} encounters, {events} readmissions within 30 days")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
