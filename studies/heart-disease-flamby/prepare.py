#!/usr/bin/env python3
"""Writes the Fed-Heart-Disease cohort of the FLamby benchmark, one CSV per hospital.

    prepare.py DATA_FOLDER OUTPUT_FOLDER

DATA_FOLDER holds processed.cleveland.data, processed.hungarian.data, processed.switzerland.data and
processed.va.data of the UCI heart disease data. The columns slope, ca and thal are dropped, then
every row with a missing value; the outcome is num > 0. Each hospital is split with scikit-learn's
train_test_split (66 % training, random_state 43, stratified by the outcome where each class has more
than two patients, so not in Switzerland), which gives 199, 172, 30 and 85 patients for training and
104, 89, 16 and 45 for testing, as published. Values are written as they stand in the source; a column
`split` says train or test.
"""

import csv
import pathlib
import sys

HOSPITALS = ["cleveland", "hungarian", "switzerland", "va"]
COLUMNS = ["age", "sex", "cp", "trestbps", "chol", "fbs", "restecg", "thalach", "exang", "oldpeak",
           "slope", "ca", "thal", "num"]
DROPPED = {"slope", "ca", "thal"}
EXPECTED = {"cleveland": (199, 104), "hungarian": (172, 89), "switzerland": (30, 16), "va": (85, 45)}


def complete_cases(path):
    """Rows without slope, ca and thal that have no missing value, as the texts of the file."""
    keep = [i for i, name in enumerate(COLUMNS) if name not in DROPPED]
    rows = []
    for line in path.read_text().splitlines():
        fields = line.strip().split(",")
        if len(fields) != len(COLUMNS):
            continue
        row = [fields[i].strip() for i in keep]
        if "?" not in row:
            rows.append(row)
    return rows


def main(source, target):
    try:
        from sklearn.model_selection import train_test_split
    except ImportError:
        sys.exit("prepare.py needs scikit-learn for the benchmark's own split: pip install scikit-learn")
    target.mkdir(parents=True, exist_ok=True)
    names = [name for name in COLUMNS if name not in DROPPED]
    for hospital in HOSPITALS:
        rows = complete_cases(source / f"processed.{hospital}.data")
        outcome = [int(float(row[-1]) > 0) for row in rows]
        train, test = train_test_split(
            range(len(rows)), test_size=1 - 0.66, train_size=0.66, random_state=43, shuffle=True,
            stratify=outcome if min(outcome.count(0), outcome.count(1)) > 2 else None)
        if (len(train), len(test)) != EXPECTED[hospital]:
            sys.exit(f"{hospital}: {len(train)} and {len(test)} rows instead of {EXPECTED[hospital]};"
                     " are these the UCI files?")
        held_out = set(test)
        with open(target / f"{hospital}.csv", "w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(names + ["split"])
            for index, row in enumerate(rows):
                writer.writerow(row + ["test" if index in held_out else "train"])
        print(f"{hospital}: {len(train)} train, {len(test)} test")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
