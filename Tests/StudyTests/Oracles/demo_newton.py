"""Oracle: the demo study's preparation and Newton model, recomputed from the hospitals' files.

    demo_newton.py FOLDER

Reads FOLDER/<hospital>/admissions.csv, each in its hospital's own dialect, words and units, and prints one
JSON object; see newton_oracle.py.
"""

import csv
import pathlib
import sys

from newton_oracle import is_held_out, print_answer

HOSPITALS = ["hillcrest", "lakeside", "northfield", "riverside", "st-anna"]
MISSING = {"hillcrest": "?", "lakeside": "NA", "northfield": "-9"}
SEX = {"hillcrest": {"w": "female"}, "lakeside": {"F": "female"}}
MALE = {"hillcrest": "m", "lakeside": "M"}
# Name, the study's range, its resolution; None for a flag; a list for declared levels.
FEATURES = [
    ("age", (18, 110, 1)), ("sex", ["female", "male"]), ("admission_type", ["emergency", "urgent", "elective"]),
    ("department", ["cardiology", "intensive care", "medicine", "neurology", "oncology", "surgery"]),
    ("heart_rate", (20, 300, 1)), ("systolic_bp", (30, 300, 1)), ("respiratory_rate", (3, 80, 1)),
    ("temperature", (24, 46, 0.1)), ("spo2", (40, 100, 1)), ("gcs", (3, 15, 1)), ("creatinine", (0, 3000, 0.01)),
    ("sodium", (100, 190, 1)), ("haemoglobin", (2, 25, 0.1)), ("wbc", (0, 400, 0.1)), ("lactate", (0, 30, 0.1)),
    ("diabetes", None), ("cancer", None),
]


def value(hospital, name, text, detail):
    text = text.strip()
    if text in ("", MISSING.get(hospital, "")):
        return None
    if isinstance(detail, list):
        if name == "sex":
            words = SEX.get(hospital, {}) | ({MALE[hospital]: "male"} if hospital in MALE else {})
            text = words.get(text, text)
        return text if text in detail else None
    if detail is None:
        return {"1": 1.0, "0": 0.0}[text]
    number = float(text.replace(",", ".") if hospital == "hillcrest" else text)
    if name == "temperature" and hospital == "lakeside":
        number = (number - 32) / 1.8
    if name == "haemoglobin" and hospital == "riverside":
        number *= 0.1
    return number if detail[0] <= number <= detail[1] else None


def main(folder):
    rows, held, outcome = [], [], []
    for hospital in HOSPITALS:
        first = {}
        with open(folder / hospital / "admissions.csv", newline="", encoding="utf-8") as file:
            for raw in csv.DictReader(file, delimiter=";" if hospital == "hillcrest" else ","):
                known = first.get(raw["patient_id"])
                if known is None or raw["admission_date"] < known["admission_date"]:
                    first[raw["patient_id"]] = raw
        for identifier, raw in first.items():
            row = {"hospital": hospital} | {
                name: value(hospital, name, raw[name], detail) for name, detail in FEATURES}
            if row["age"] is None:
                continue
            rows.append(row)
            held.append(is_held_out([identifier], "demo-admissions", 0.3))
            outcome.append(raw["died"].strip() == "1")
    features = [
        (name, "category", detail) if isinstance(detail, list)
        else (name, "flag", None) if detail is None else (name, "number", (detail[0], detail[2]))
        for name, detail in FEATURES]
    print_answer(rows, held, features, outcome, minimum_cell=10, ridge=1.0)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
