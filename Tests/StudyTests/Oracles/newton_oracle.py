"""Preparation and Newton model of a study, recomputed in plain Python and scikit-learn: what `heart_newton.py`
and `demo_newton.py` share. Chooses the holdout by keyed BLAKE2b, takes lower medians, population means and
standard deviations, dummy codes against the most frequent level, adds indicators for what is missing, and
fits scikit-learn's LogisticRegression with C = 1/ridge. Nothing here is shared with the Swift code.
"""

import hashlib
import json
import math
import struct
from collections import Counter

import numpy
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score


def framed(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def is_held_out(parts, key, fraction):
    """Whether the patient with these identifying texts is in the holdout."""
    seed = hashlib.blake2b(framed(key), digest_size=32, person=b"wr-holdout-key").digest()
    digest = hashlib.blake2b(b"".join(map(framed, parts)), digest_size=32, key=seed, person=b"wr-holdout").digest()
    return struct.unpack("<I", digest[4:8])[0] < round(fraction * 2**32)


def lower_median(values, grid=None):
    """The lower median; with a grid (lower bound, resolution) of the values' nearest grid points."""
    if grid:
        lower, step = grid
        per_unit = round(1 / step)
        values = [(lower * per_unit + math.floor((value - lower) * per_unit + 0.5)) / per_unit for value in values]
    return sorted(values)[math.ceil(len(values) / 2) - 1]


def print_answer(rows, held, features, outcome, minimum_cell, ridge):
    """Fits and prints one JSON object.

    rows      one dictionary per patient: "hospital", and per feature a number, a text, or None when missing
    features  (name, "number" with a grid or None | "flag" with None | "category" with its levels in order)
    outcome   one truth value per row
    """
    training = [row for row, out in zip(rows, held) if not out]
    names, blocks = [], []

    def add(name, function):
        names.append(name)
        blocks.append([function(row) for row in rows])

    for name, kind, detail in features:
        present = [row[name] for row in training if row[name] is not None]
        gaps = len(training) - len(present)
        if kind == "number":
            median = lower_median(present, detail)
            mean, deviation = float(numpy.mean(present)), float(numpy.std(present))
            add(name, lambda row, n=name, m=median, a=mean, d=deviation:
                ((m if row[n] is None else row[n]) - a) / d)
        elif kind == "flag":
            mode = 1.0 if 2 * present.count(1.0) > len(present) else 0.0
            add(name, lambda row, n=name, m=mode: m if row[n] is None else row[n])
        else:
            counts = Counter(present)
            kept = [level for level in detail if counts[level] >= max(minimum_cell, 1)]
            reference = max(kept, key=lambda level: counts[level])
            for level in kept:
                if level != reference:
                    add(f"{name} = {level}", lambda row, n=name, l=level: float(row[n] == l))
        if gaps >= max(minimum_cell, 1):
            add(f"{name} (missing)", lambda row, n=name: float(row[n] is None))

    design = numpy.array(blocks).T
    outcome = numpy.array(outcome)
    mask = numpy.array(held)
    model = LogisticRegression(C=1 / ridge, solver="newton-cholesky", tol=1e-13, max_iter=1000)
    model.fit(design[~mask], outcome[~mask])
    risk = model.predict_proba(design)[:, 1]
    areas = {}
    for hospital in {row["hospital"] for row in rows}:
        chosen = mask & numpy.array([row["hospital"] == hospital for row in rows])
        if 0 < outcome[chosen].sum() < chosen.sum():
            areas[hospital] = float(roc_auc_score(outcome[chosen], risk[chosen]))
    print(json.dumps({
        "columns": names, "intercept": float(model.intercept_[0]),
        "coefficients": [float(value) for value in model.coef_[0]],
        "trainingCount": int((~mask).sum()), "trainingEventCount": int(outcome[~mask].sum()),
        "holdoutCount": int(mask.sum()), "auroc": areas,
    }))
