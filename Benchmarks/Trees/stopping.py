"""When boosted trees of few events should stop: on a loss of patients kept aside, or after a fixed number of trees.

    scripts/bench trees-stopping --data FOLDER [--seeds 5] [--events 50,100,...] [--tables gusto1,...]
                                 [--learners trees,ebm] [--settings KIND:COUNT:RATE:SHARE ...]

FOLDER holds gusto1, diabetes130, eicu_demo, physionet2012_seta and uci_heart; the demo's table is the synthetic
hospitals' files of one demo run (--demo FOLDER/sites). For each seed the rows are permuted and as many train as
hold the number of events (patients with the rarer outcome), at most 70 %; all others test, at most 20,000.
The settings are the defaults of studies (depth 4, 64 bins, least child weight 5, λ = 1, 0.8 of the rows and columns;
`ebm`: 32 bins, 3 parts) but for the number of trees or passes, learning rate and share kept aside. Prints means over
the seeds of the held-out AUROC and log loss (in thousandths), for each table and as differences from the first
setting over all tables, in Markdown; `--csv FILE` gets every run.
"""

import argparse
import csv
import gzip
import os
import subprocess
import sys
import tempfile

import numpy as np

from quality import auroc, column, read

# The first is to stop always, the second never; the third is what studies do with few events.
SETTINGS = {
    "trees": ["trees:200:0.1:0.2", "trees:200:0.1:0", "trees:100:0.05:0", "trees:100:0.1:0", "trees:50:0.1:0"],
    "ebm": ["ebm:200:0.1:0.2", "ebm:200:0.1:0", "ebm:50:0.1:0", "ebm:100:0.1:0"],
}


def rows_of(path, encoding="utf-8"):
    opened = gzip.open if path.endswith(".gz") else open
    with opened(path, "rt", encoding=encoding) as file:
        return list(csv.DictReader(file))


def matrix(rows, names):
    return np.column_stack([column([r[n] for r in rows]) for n in names])


def table(name, data, demo):
    if name == "eicu":
        scores = {r["patientunitstayid"]: r for r in rows_of(f"{data}/eicu_demo/apacheApsVar.csv.gz")}
        own = ["age", "gender", "admissionheight", "admissionweight", "unittype", "unitadmitsource"]
        day = [n for n in next(iter(scores.values())) if n not in ("apacheapsvarid", "patientunitstayid")]
        rows = []
        for r in rows_of(f"{data}/eicu_demo/patient.csv.gz"):
            if r["hospitaldischargestatus"] not in ("Alive", "Expired"):
                continue
            values = scores.get(r["patientunitstayid"], {})
            row = {n: r[n] for n in own}
            # -1 is these tables' code for missing.
            row |= {n: "" if values.get(n) in ("-1", "-1.0") else values.get(n, "") for n in day}
            row["age"] = row["age"].replace("> ", "")
            row["y"] = r["hospitaldischargestatus"] == "Expired"
            rows.append(row)
        return matrix(rows, own + day), np.array([r["y"] for r in rows], dtype=np.float32)
    if name == "physionet2012":
        rows = rows_of(f"{data}/physionet2012_seta/set-a_features.csv.gz")
        drop = {"recordid", "SAPS-I", "SOFA", "Length_of_stay", "Survival", "In-hospital_death"}
        y = np.array([float(r["In-hospital_death"]) for r in rows], dtype=np.float32)
        return matrix(rows, [n for n in rows[0] if n not in drop]), y
    if name == "heart":
        rows = []
        for place in ("cleveland", "hungarian", "switzerland", "va"):
            with open(f"{data}/uci_heart/processed.{place}.data") as file:
                for line in csv.reader(file):
                    # A cholesterol of 0 was not recorded.
                    rows.append({str(i): "" if v == "-9" or (i == 4 and float(v if v != "?" else 1) == 0) else v
                                 for i, v in enumerate(line)})
        y = np.array([float(r["13"]) > 0 for r in rows], dtype=np.float32)
        return matrix(rows, [str(i) for i in range(13)]), y
    return read(name, data, demo)


def run(program, x, y, test, test_y, seed, settings):
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/table"
        rows = np.column_stack([np.vstack([x, test]), np.concatenate([y, test_y])])
        rows.astype(np.float32).tofile(path)
        done = subprocess.run(
            [program, "--child", f"{len(x)}:{x.shape[1]}:{path}", "--seed", str(seed), "--predictions", path + ".p",
             "--stopping", *settings], check=True, stdout=subprocess.PIPE, text=True)
        kept = [int(n) for n in done.stdout.split()]
        return kept, np.fromfile(path + ".p", dtype=np.float32).reshape(len(settings), -1)


def summary(every, learner, settings):
    """Differences from the first setting over all tables, and the share of runs with a higher AUROC."""
    print("\n| events | runs | " + " | ".join(settings[1:]) + " |")
    print("| --- | --- |" + " --- |" * (len(settings) - 1))
    runs = [r for r in every if r[0] == learner]
    for events in sorted({r[2] for r in runs}):
        def values(setting, place):
            return np.array([r[place] for r in runs if r[2] == events and r[5] == setting])
        base = settings[0]
        cells = []
        for setting in settings[1:]:
            area = values(setting, 6) - values(base, 6)
            loss = values(setting, 7) - values(base, 7)
            cells.append(f"{area.mean():+.4f} {1000 * loss.mean():+.1f} ({100 * (area > 0).mean():.0f} %)")
        print(f"| {events} | {len(values(base, 6))} | " + " | ".join(cells) + " |")
    print()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--data", default=os.environ.get("WARDROUND_DATA", "../shared/data"))
    parser.add_argument("--demo", default="demo-run/sites")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--events", default="50,100,150,200,300,500,1000,2000,4000")
    parser.add_argument("--tables", default="demo,gusto1,diabetes130,eicu,physionet2012,heart")
    parser.add_argument("--learners", default="trees,ebm")
    parser.add_argument("--settings", nargs="*")
    parser.add_argument("--csv")
    arguments = parser.parse_args()
    every = []
    for learner in arguments.learners.split(","):
        settings = arguments.settings or SETTINGS[learner]
        print("| table | events | train | " + " | ".join(settings) + " | kept |")
        print("| --- | --- | --- |" + " --- |" * (len(settings) + 1))
        for name in arguments.tables.split(","):
            x, y = table(name, arguments.data, arguments.demo)
            rare = 1.0 if y.mean() <= 0.5 else 0.0
            for events in map(int, arguments.events.split(",")):
                if events > 0.7 * (y == rare).sum():
                    continue
                results = []
                for seed in range(arguments.seeds):
                    order = np.random.RandomState(seed).permutation(len(y))
                    count = int(np.searchsorted(np.cumsum(y[order] == rare), events) + 1)
                    train, test = order[:count], order[count:][:20_000]
                    kept, p = run(arguments.program, x[train], y[train], x[test], y[test], seed, settings)
                    p = np.clip(p, 1e-6, 1 - 1e-6).astype(float)
                    t = y[test]
                    loss = -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean(axis=1)
                    areas = [auroc(t, q) for q in p]
                    results.append((areas, loss * 1000, kept))
                    for s, a, b, k in zip(settings, areas, loss, kept):
                        every.append([learner, name, events, count, seed, s, a, b, k])
                areas = np.mean([r[0] for r in results], axis=0)
                loss = np.mean([r[1] for r in results], axis=0)
                kept = np.mean([r[2][0] for r in results])
                text = " | ".join(f"{a:.3f} {b:.0f}" for a, b in zip(areas, loss))
                print(f"| {name} | {events} | {count} | {text} | {kept:.0f} |", flush=True)
        summary(every, learner, settings)
    if arguments.csv:
        with open(arguments.csv, "w") as file:
            csv.writer(file).writerows(
                [["learner", "table", "events", "train", "seed", "settings", "auroc", "logloss", "kept"]] + every)


if __name__ == "__main__":
    main()
