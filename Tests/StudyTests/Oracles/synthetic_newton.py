"""Oracle: the synthetic cohort's transform and Newton model by numpy and scikit-learn.

    synthetic_newton.py

Draws the cohort of Tests/TestSupport/SyntheticCohort.swift (600 patients, seed 1) from its recipe with its own
SplitMix64, prepares it as the program documents and fits LogisticRegression(C=1). The numbers it prints stand in
SyntheticOracleTests.swift.
"""

import json
import math

import numpy
from sklearn.linear_model import LogisticRegression

MASK = (1 << 64) - 1


class SplitMix64:
    def __init__(self, seed):
        self.state = seed

    def uniform(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return ((z ^ (z >> 31)) >> 11) * 2.0**-53


def cohort(count, seed):
    u = SplitMix64(seed).uniform
    rows = []
    for _ in range(count):
        age = 40 + math.floor(50 * u())
        sick = u()
        tenths = math.floor(8 + 40 * sick * u())
        lactate_missing = u() > 0.3 + 0.6 * sick
        place = u()
        ward = 0 if place < 0.5 else 1 if place < 0.8 else 2 if place < 0.985 else 3
        ward_missing = u() < 0.05
        diabetic = u() < 0.2
        diabetes_missing = u() < 0.1
        held_out = u() < 0.3
        eta = -2 + (age - 65) / 15 + 3 * (sick - 0.5) + (0.8 if diabetic else 0) + (0.5 if ward == 1 else 0)
        died = u() < 1 / (1 + math.exp(-eta))
        rows.append((age, None if lactate_missing else tenths / 10, None if ward_missing else ward,
                     None if diabetes_missing else int(diabetic), held_out, died))
    return rows


def main():
    rows = [row for row in cohort(600, 1) if not row[4]]
    names, columns = [], []

    def add(name, values):
        names.append(name)
        columns.append([float(value) for value in values])

    for name, index in (("age", 0), ("lactate", 1)):
        present = sorted(row[index] for row in rows if row[index] is not None)
        median = present[math.ceil(len(present) / 2) - 1]
        mean, deviation = numpy.mean(present), numpy.std(present)
        add(name, [((median if row[index] is None else row[index]) - mean) / deviation for row in rows])
        if len(present) < len(rows):
            add(f"{name} (missing)", [row[index] is None for row in rows])
    wards = ["medicine", "surgery", "neurology", "attic"]
    counts = [sum(row[2] == level for row in rows) for level in range(4)]
    reference = counts.index(max(counts))
    for level in range(4):
        if level != reference:
            add(f"ward = {wards[level]}", [row[2] == level for row in rows])
    add("ward (missing)", [row[2] is None for row in rows])
    known = [row[3] for row in rows if row[3] is not None]
    mode = int(2 * sum(known) > len(known))
    add("diabetes", [mode if row[3] is None else row[3] for row in rows])
    add("diabetes (missing)", [row[3] is None for row in rows])
    design = numpy.array(columns).T
    outcome = numpy.array([row[5] for row in rows])
    model = LogisticRegression(C=1, solver="newton-cholesky", tol=1e-13, max_iter=1000).fit(design, outcome)
    print(json.dumps({"columns": names, "patients": len(rows), "events": int(outcome.sum()),
                      "coefficients": [float(model.intercept_[0])] + [float(b) for b in model.coef_[0]]}, indent=1))


if __name__ == "__main__":
    main()
