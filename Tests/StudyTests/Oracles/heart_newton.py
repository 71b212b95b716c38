"""Oracle: the heart-disease study's preparation and Newton model, recomputed from the raw files.

    heart_newton.py DATA_FOLDER

Reads processed.<hospital>.data and prints one JSON object; see newton_oracle.py.
"""

import pathlib
import sys

from newton_oracle import is_held_out, print_answer

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


def value(row, column, kind, bounds):
    text = cell(row, column)
    if text is None or kind == "category":
        return text
    if kind == "flag":
        return float(text == "1")
    return float(text) if bounds[0] <= float(text) <= bounds[1] else None


def main(folder):
    rows, held, outcome = [], [], []
    for hospital in HOSPITALS:
        for line in (folder / f"processed.{hospital}.data").read_text().splitlines():
            if not line.strip():
                continue
            raw = dict(zip(COLUMNS, line.strip().split(",")))
            # A row without a patient identifier is identified by its features and its outcome.
            parts = [cell(raw, column) or "" for _, column, _, _ in FEATURES] + [cell(raw, "num") or ""]
            held.append(is_held_out(parts, "heart-disease", 0.3))
            outcome.append(float(raw["num"]) > 0)
            rows.append({"hospital": hospital} | {
                name: value(raw, column, kind, bounds) for name, column, kind, bounds in FEATURES})
    features = [
        (name, kind, list(WORDS[column].values()) if kind == "category" else None)
        for name, column, kind, _ in FEATURES]
    print_answer(rows, held, features, outcome, minimum_cell=1, ridge=1.0)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
