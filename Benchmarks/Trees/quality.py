"""AUROC of Wardround's boosted trees beside XGBoost (hist) and LightGBM on the same bins and settings.

    scripts/bench trees-quality --data FOLDER [--seeds 5] [--tables gusto1,diabetes130,demo]

FOLDER holds gusto1/gusto.csv.gz and diabetes130/diabetic_data.csv.gz; the demo's table is the synthetic
hospitals' files of one demo run (--demo FOLDER/sites). For each seed the rows are permuted, 70 % train. Every
column becomes codes of at most 255 values: the values themselves where they are few, otherwise the quantile
bins of the training rows; words are ranked by name. All three learners get these codes, 100 trees of depth 6,
learning rate 0.1, lambda 1, minimum child weight 1, no sampling. Prints a table in Markdown.
"""

import argparse
import csv
import glob
import gzip
import os
import subprocess
import sys
import tempfile

os.environ["OMP_NUM_THREADS"] = "1"

import lightgbm  # noqa: E402
import numpy as np  # noqa: E402
import xgboost  # noqa: E402

TREES, DEPTH, RATE = 100, 6, 0.1


def number(text):
    try:
        value = float(text)
        return value if np.isfinite(value) else np.nan
    except ValueError:
        return None


def column(texts):
    """Numbers, or ranks of words; NaN for missing."""
    missing = {"", "?", "NA"}
    values = [np.nan if t in missing else number(t) for t in texts]
    if all(v is not None for v in values):
        return np.array(values, dtype=float)
    levels = {t: i for i, t in enumerate(sorted(set(texts) - missing))}
    return np.array([levels.get(t, np.nan) for t in texts], dtype=float)


def table(rows, outcome, drop, positive):
    names = [n for n in rows[0] if n not in drop and n != outcome]
    y = np.array([positive(r[outcome]) for r in rows], dtype=np.float32)
    return np.column_stack([column([r[n] for r in rows]) for n in names]), y


def read(name, data, demo):
    if name == "gusto1":
        with gzip.open(f"{data}/gusto1/gusto.csv.gz", "rt") as file:
            rows = list(csv.DictReader(file))
        return table(rows, "day30", {"regl", "grpl", "grps"}, float)
    if name == "diabetes130":
        with gzip.open(f"{data}/diabetes130/diabetic_data.csv.gz", "rt") as file:
            rows = list(csv.DictReader(file))
        return table(
            rows, "readmitted", {"encounter_id", "patient_nbr"}, lambda t: float(t == "<30"))
    rows = []
    for path in sorted(glob.glob(f"{demo}/*/admissions.csv")):
        with open(path) as file:
            text = file.read()
        # One hospital writes semicolons and decimal commas; another's code for missing is -9.
        separator = ";" if ";" in text.split("\n", 1)[0] else ","
        if separator == ";":
            text = text.replace(",", ".")
        rows += [
            {k: "" if v == "-9" else v for k, v in row.items()}
            for row in csv.DictReader(text.splitlines(), delimiter=separator)
        ]
    if not rows:
        sys.exit(f"error: no hospital's admissions.csv below {demo}; run `wardround demo` first")
    yes, no = {"1", "yes", "true"}, {"0", "no", "false"}
    rows = [r for r in rows if r["died"].lower() in yes | no]
    drop = {"patient_id", "admission_date"}
    return table(rows, "died", drop, lambda t: float(t.lower() in yes))


def codes(train, test):
    """Both tables as codes of at most 255 values, by the training rows."""
    out = [np.full(t.shape, np.nan, dtype=np.float32) for t in (train, test)]
    for j in range(train.shape[1]):
        known = train[np.isfinite(train[:, j]), j]
        cuts = np.unique(known)
        if len(cuts) > 255:
            cuts = np.unique(np.quantile(known, np.arange(255) / 255, method="inverted_cdf"))
        for source, target in zip((train, test), out):
            here = np.isfinite(source[:, j])
            code = np.searchsorted(cuts, source[here, j], side="right") - 1
            target[here, j] = np.maximum(code, 0)
    return out


def auroc(y, p):
    order = np.argsort(p, kind="stable")
    ranks = np.empty(len(p))
    _, inverse, counts = np.unique(p[order], return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks[order] = (ends - (counts - 1) / 2)[inverse]
    events = y.sum()
    return (ranks[y == 1].sum() - events * (events + 1) / 2) / (events * (len(y) - events))


def ours(program, x, y, test, test_y, seed):
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/table"
        rows = np.column_stack([np.vstack([x, test]), np.concatenate([y, test_y])])
        rows.astype(np.float32).tofile(path)
        subprocess.run(
            [program, "--child", f"{len(x)}:{x.shape[1]}:{path}", "--threads", "1", "--trees",
             str(TREES), "--depth", str(DEPTH), "--seed", str(seed), "--predictions", path + ".p"],
            check=True, stdout=subprocess.DEVNULL)
        return np.fromfile(path + ".p", dtype=np.float32)


def theirs_xgboost(x, y, test, seed):
    settings = dict(
        objective="binary:logistic", tree_method="hist", max_depth=DEPTH, eta=RATE, max_bin=256,
        reg_lambda=1, min_child_weight=1, nthread=1, seed=seed)
    booster = xgboost.train(settings, xgboost.DMatrix(x, y, nthread=1), TREES)
    return booster.predict(xgboost.DMatrix(test, nthread=1))


def theirs_lightgbm(x, y, test, seed):
    settings = dict(
        objective="binary", max_depth=DEPTH, num_leaves=2**DEPTH, learning_rate=RATE, max_bin=256,
        num_threads=1, lambda_l2=1, min_sum_hessian_in_leaf=1, min_data_in_leaf=1,
        min_data_in_bin=1, feature_pre_filter=False, verbose=-1, seed=seed)
    booster = lightgbm.train(settings, lightgbm.Dataset(x, y, params=settings), TREES)
    return booster.predict(test)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--data", default=os.environ.get("WARDROUND_DATA", "../shared/data"))
    parser.add_argument("--demo", default="demo-run/sites")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--tables", default="demo,gusto1,diabetes130")
    arguments = parser.parse_args()
    print("| table | rows | events | seed | Wardround | XGBoost | LightGBM |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    worst = 0.0
    for name in arguments.tables.split(","):
        x, y = read(name, arguments.data, arguments.demo)
        results = []
        for seed in range(arguments.seeds):
            order = np.random.RandomState(seed).permutation(len(y))
            count = int(0.7 * len(y))
            train, test = codes(x[order[:count]], x[order[count:]])
            train_y, test_y = y[order[:count]], y[order[count:]]
            results.append([
                auroc(test_y, ours(arguments.program, train, train_y, test, test_y, seed)),
                auroc(test_y, theirs_xgboost(train, train_y, test, seed)),
                auroc(test_y, theirs_lightgbm(train, train_y, test, seed)),
            ])
            text = " | ".join(f"{v:.4f}" for v in results[-1])
            print(f"| {name} | {len(y)} | {int(y.sum())} | {seed} | {text} |", flush=True)
        mean = np.mean(results, axis=0)
        text = " | ".join(f"{v:.4f}" for v in mean)
        print(f"| **{name}** | | | mean | {text} |", flush=True)
        worst = max(worst, mean[1] - mean[0], mean[2] - mean[0])
    print(f"\nWardround's mean is at most {max(worst, 0):.4f} below the better of the two (limit 0.002).")
    sys.exit(1 if worst > 0.002 else 0)


if __name__ == "__main__":
    main()
