"""Oracle: the heart-disease study's preparation and Newton model, recomputed from the raw files.

    heart_newton.py DATA_FOLDER

An independent computation in plain Python and scikit-learn: reads processed.<hospital>.data, chooses the
holdout by keyed BLAKE2b, takes lower medians, population means and standard deviations, dummy codes against
the most frequent level, adds indicators for what is missing, and fits scikit-learn's LogisticRegression with
C = 1/ridge. Prints one JSON object; nothing here is shared with the Swift code.
"""

import hashlib
import json
import math
import pathlib
import struct
import sys
from collections import Counter

import numpy
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

HOSPITALS = ["cleveland", "hungarian", "switzerland", "va"]
COLUMNS = ["age", "sex", "cp", "trestbps", "chol", "fbs", "restecg", "thalach", "exang", "oldpeak", "slope",
           "ca", "thal", "num"]
WORDS = {
    "cp": {"1": "typical angina", "2": "atypical angina", "3": "non-anginal pain", "4": "no pain"},
    "restecg": {"0": "normal", "1": "ST-T abnormality", "2": "left ventricular hypertrophy"},
    "slope": {"1": "up", "2": "flat", "3": "down"},
    "thal": {"3": "normal", "6": "fixed defect", "7": "reversible defect"},
}
FEATURES = [
    ("age", "age", "number", (18, 110)), ("male", "sex", "flag", None), ("chest_pain", "cp", "category", None),
    ("resting_bp", "trestbps", "number", (40, 300)), ("cholesterol", "chol", "number", (30, 1000)),
    ("fasting_sugar_above_120", "fbs", "flag", None), ("resting_ecg", "restecg", "category", None),
    ("maximum_heart_rate", "thalach", "number", (30, 250)), ("exercise_angina", "exang", "flag", None),
    ("st_depression", "oldpeak", "number", (-10, 10)), ("st_slope", "slope", "category", None),
    ("coloured_vessels", "ca", "number", (0, 3)), ("thallium_scan", "thal", "category", None),
]
ZERO_IS_MISSING = {"trestbps", "chol"}
RIDGE = 1.0
FRACTION, KEY = 0.3, "heart-disease"


def canonical(text):
    """Whole numbers without sign plus, leading zeros and empty decimals; other texts as they are."""
    text = text.strip()
    try:
        value = float(text)
    except ValueError:
        return text
    if "e" not in text.lower() and value == int(value):
        return str(int(value))
    return text


def cell(row, column):
    """The canonical text in the study's words, or None when missing."""
    text = canonical(row[column])
    if text in ("?", "-9", "") or (text == "0" and column in ZERO_IS_MISSING):
        return None
    return WORDS.get(column, {}).get(text, text)


def framed(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


HOLDOUT_KEY = hashlib.blake2b(framed(KEY), digest_size=32, person=b"wr-holdout-key").digest()


def is_held_out(row):
    """A row without a patient identifier is identified by its features and its outcome."""
    parts = [cell(row, column) or "" for _, column, _, _ in FEATURES] + [cell(row, "num") or ""]
    digest = hashlib.blake2b(b"".join(map(framed, parts)), digest_size=32, key=HOLDOUT_KEY,
                             person=b"wr-holdout").digest()
    return struct.unpack("<I", digest[4:8])[0] < round(FRACTION * 2**32)


def number(row, column, bounds):
    text = cell(row, column)
    if text is None:
        return None
    value = float(text)
    return value if bounds[0] <= value <= bounds[1] else None


def main(folder):
    rows = []
    for hospital in HOSPITALS:
        for line in (folder / f"processed.{hospital}.data").read_text().splitlines():
            if line.strip():
                row = dict(zip(COLUMNS, line.strip().split(",")))
                row["hospital"] = hospital
                rows.append(row)
    held = [is_held_out(row) for row in rows]
    training = [row for row, out in zip(rows, held) if not out]
    names, blocks = [], []

    def add(name, function):
        names.append(name)
        blocks.append([function(row) for row in rows])

    for name, column, kind, detail in FEATURES:
        if kind == "number":
            present = [v for v in (number(r, column, detail) for r in training) if v is not None]
            median = sorted(present)[math.ceil(len(present) / 2) - 1]
            mean, deviation = float(numpy.mean(present)), float(numpy.std(present))

            def scaled(row, column=column, detail=detail, median=median, mean=mean, deviation=deviation):
                value = number(row, column, detail)
                return ((median if value is None else value) - mean) / deviation

            add(name, scaled)
            gaps = len(training) - len(present)
        elif kind == "flag":
            present = [cell(r, column) for r in training if cell(r, column) is not None]
            mode = 1.0 if 2 * present.count("1") > len(present) else 0.0
            add(name, lambda row, c=column, m=mode: m if cell(row, c) is None else float(cell(row, c) == "1"))
            gaps = len(training) - len(present)
        else:
            counts = Counter(cell(r, column) for r in training)
            levels = list(WORDS[column].values())
            reference = max(levels, key=lambda level: counts[level])
            for level in levels:
                if level != reference and counts[level] >= 1:
                    add(f"{name} = {level}", lambda row, c=column, l=level: float(cell(row, c) == l))
            gaps = counts[None]
        if gaps >= 1:
            if kind == "number":
                add(f"{name} (missing)", lambda row, c=column, d=detail: float(number(row, c, d) is None))
            else:
                add(f"{name} (missing)", lambda row, c=column: float(cell(row, c) is None))

    design = numpy.array(blocks).T
    outcome = numpy.array([float(row["num"]) > 0 for row in rows])
    mask = numpy.array(held)
    model = LogisticRegression(C=1 / RIDGE, solver="newton-cholesky", tol=1e-13, max_iter=1000)
    model.fit(design[~mask], outcome[~mask])
    risk = model.predict_proba(design)[:, 1]
    areas = {}
    for hospital in HOSPITALS:
        chosen = mask & numpy.array([row["hospital"] == hospital for row in rows])
        if 0 < outcome[chosen].sum() < chosen.sum():
            areas[hospital] = float(roc_auc_score(outcome[chosen], risk[chosen]))
    print(json.dumps({
        "columns": names, "intercept": float(model.intercept_[0]),
        "coefficients": [float(value) for value in model.coef_[0]],
        "trainingCount": int((~mask).sum()), "trainingEventCount": int(outcome[~mask].sum()),
        "holdoutCount": int(mask.sum()), "auroc": areas,
    }))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
