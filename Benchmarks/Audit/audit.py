#!/usr/bin/env python3
"""Attacks the shipped binary's differential privacy in several configurations of the demo's private study.

Runs `wardround audit` of a release build; status 1 when a lower bound is above what is proven, when missing noise is
not found, or when the test hook that leaves the noise out works in the release build. The hook exists in debug builds
only (`WARDROUND_TEST_FAULT=no-noise`), so that one configuration runs on a debug build of the same source.
"""

import argparse
import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
STUDY = ROOT / "studies" / "demo-admissions-private" / "study.yaml"
NEWTON = "{name: newton, learner: logistic, training: newton, ridge: 1}"
AVERAGING = "{name: averaging, training: federated-averaging, server: adam, clip: 3, rounds: %d%s}"

# Name, epsilon, model, further sections, sizes of the attacks.
CONFIGURATIONS = [
    ("Newton", 1, NEWTON, "", {}),
    ("Newton", 3, NEWTON, "", {}),
    ("Newton", 8, NEWTON, "", {}),
    ("averaging, everybody", 3, AVERAGING % (20, ""), "", {}),
    ("averaging, sampled 0.1", 3, AVERAGING % (40, ", sampling_rate: 0.1"), "", {}),
    ("averaging, adaptive clip", 3, AVERAGING % (20, ", clip_quantile: 0.5"), "", {}),
    ("averaging, sampled 0.2, adaptive clip", 3, AVERAGING % (30, ", sampling_rate: 0.2, clip_quantile: 0.5"), "", {}),
    ("Newton, two linked sites", 3, NEWTON, "linked", {}),
    ("Newton, with votes", 3, NEWTON, "votes: {}\n", {}),
]
WITHOUT_NOISE = ("Newton, noise switched off", 3, NEWTON, "", {"patients": 0, "shadow": 0, "releases": 0, "targets": 0})


def hospitals(program, folder, share):
    """The demo's tables with one spelling, one file per site: what an agent's site.yaml does otherwise."""
    run = folder / "run"
    subprocess.run([program, "demo", "--study", str(STUDY.parent), "--share", str(share), "--output", str(run)],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300)
    data = folder / "data"
    data.mkdir()
    sexes = {"w": "female", "F": "female", "m": "male", "M": "male"}
    missing = {"?", "NA", "-9"}
    for site in sorted((run / "sites").iterdir()):
        text = (site / "admissions.csv").read_text(encoding="utf-8-sig")
        semicolons = ";" in text.splitlines()[0]
        rows = list(csv.reader(text.splitlines(), delimiter=";" if semicolons else ","))
        sex = rows[0].index("sex")
        with open(data / (site.name + ".csv"), "w", newline="") as file:
            out = csv.writer(file)
            out.writerow(rows[0])
            for row in rows[1:]:
                row = ["" if cell in missing else cell.replace(",", ".") if semicolons else cell for cell in row]
                row[sex] = sexes.get(row[sex], row[sex])
                out.writerow(row)
    return data


def study(folder, number, epsilon, model, more):
    """The private demo study with another model, another epsilon and further sections."""
    lines = STUDY.read_text().splitlines()
    start = lines.index("models:")
    end = next(i for i in range(start + 1, len(lines)) if lines[i] and not lines[i].startswith(" "))
    text = "\n".join(lines[:start] + ["models:", "  - " + model, ""] + lines[end:]) + "\n"
    goal = "  epsilon: %g" % epsilon + ("\n  linked_sites: 2" if more == "linked" else "")
    text = text.replace("  epsilon: 3", goal)
    if more != "linked":
        text += more
    path = folder / ("study-%d" % number)
    path.mkdir()
    (path / "study.yaml").write_text(text)
    return path


def audit(program, folder, data, number, configuration, options, hook=False):
    name, epsilon, model, more, sizes = configuration
    command = [program, "audit", "--study", str(study(folder, number, epsilon, model, more)), "--data", str(data), "--json"]
    for key, value in {**options, **sizes}.items():
        command += ["--" + key, str(value)]
    environment = {key: value for key, value in os.environ.items() if key != "WARDROUND_TEST_FAULT"}
    if hook:
        environment["WARDROUND_TEST_FAULT"] = "no-noise"
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=3600)
    if done.returncode not in (0, 1) or not done.stdout.strip():
        sys.exit("error: the audit of `%s` did not run: %s" % (name, done.stderr.strip()[-500:]))
    return done.returncode, json.loads(done.stdout)


def figures(name, facts, status):
    """What the table prints of one audit."""
    canaries = {c["attack"]: c for c in facts["canaries"]}
    best = max(facts["canaries"], key=lambda c: c["epsilonLowerBound"])
    noisy = [m for m in facts["membership"] if m["hasNoise"] == facts["hasNoise"]]
    member = noisy[0] if noisy else None
    release = max(facts["releases"], key=lambda r: (r.get("muLowerBound") or 0) / (r.get("provenMu") or 1), default=None)
    violated = [c["attack"] for c in facts["canaries"] if c["epsilonLowerBound"] > c["provenEpsilon"]]
    violated += [r["release"] for r in facts["releases"] if r["epsilonLowerBound"] > r["provenEpsilon"]
                 or (r.get("muLowerBound") or 0) > (r.get("provenMu") or float("inf"))]
    return {
        "configuration": name, "hasNoise": facts["hasNoise"], "delta": facts["delta"], "status": status,
        "provenEpsilon": facts["provenEpsilon"], "epsilonLowerBound": best["epsilonLowerBound"],
        "confidence": best["confidence"], "attack": best["attack"], "canaryCount": sum(c["canaryCount"] for c in facts["canaries"]),
        "area": canaries["gradient canaries"]["area"], "areaCeiling": canaries["gradient canaries"]["areaCeiling"],
        "memberArea": member["area"] if member else None, "memberAtHundredth": member["truePositiveRateAtHundredth"] if member else None,
        "memberCeilingAtHundredth": member["ceilingAtHundredth"] if member else None,
        "muShare": release["muLowerBound"] / release["provenMu"] if release and release.get("provenMu") and release.get("muLowerBound") is not None else None,
        "violations": violated,
    }


def line(row):
    def number(value, places):
        return "–" if value is None else "%.*f" % (places, value)

    return "| %s | %s | %s | %d | %s of %s | %s | %s of %s | %s |" % (
        row["configuration"], number(row["provenEpsilon"], 3), number(row["epsilonLowerBound"], 3), row["canaryCount"],
        number(row["area"], 3), number(row["areaCeiling"], 3), number(row["memberArea"], 3), number(row["memberAtHundredth"], 4),
        number(row["memberCeilingAtHundredth"], 4), number(row["muShare"], 2))


HEADER = ("| configuration | proven ε | lower bound on ε (95 %) | canaries and members | AUC of canaries, of the ceiling | AUC of members | their TPR at 1 % FPR, of the ceiling"
          " | largest share of a release's μ shown |\n| --- | --- | --- | --- | --- | --- | --- | --- |")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True, help="a release build of wardround")
    parser.add_argument("--hooked", required=True, help="a debug build of the same source, with the test hook")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    parser.add_argument("--share", type=float, default=0.3, help="size of the demo's hospitals")
    parser.add_argument("--patients", type=int, default=400, help="patient canaries of each audit")
    parser.add_argument("--shadow", type=int, default=32, help="shadow models of each audit")
    parser.add_argument("--releases", type=int, default=4000, help="runs of each release on each side")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="only this configuration, from 0")
    given = parser.parse_args()
    options = {"patients": given.patients, "shadow": given.shadow, "releases": given.releases, "targets": 0, "seed": given.seed}
    rows, failures = [], []

    def show(row):
        rows.append(row)
        if not given.json:
            print(line(row), flush=True)

    with tempfile.TemporaryDirectory(prefix="wardround-audit-") as name:
        folder = pathlib.Path(name)
        data = hospitals(given.program, folder, given.share)
        if not given.json:
            print(HEADER, flush=True)
        for number, configuration in enumerate(CONFIGURATIONS):
            if given.only is not None and number != given.only:
                continue
            status, facts = audit(given.program, folder, data, number, configuration, options)
            row = figures("%s, ε = %g" % (configuration[0], configuration[1]), facts, status)
            show(row)
            if not row["hasNoise"]:
                failures.append("%s: the shipped binary ran without noise" % row["configuration"])
            # The binary's own verdict and ours have to say the same.
            if status != 0 or row["violations"]:
                failures.append("%s: a bound is above what is proven (%s)" % (row["configuration"], ", ".join(row["violations"])))
            if row["provenEpsilon"] > configuration[1] * (1 + 1e-9):
                failures.append("%s: the plan proves more than was asked for" % row["configuration"])
        # The hook must not exist in what is shipped …
        status, facts = audit(given.program, folder, data, 100, WITHOUT_NOISE, {"seed": given.seed}, hook=True)
        if not facts["hasNoise"] or status != 0:
            failures.append("the test hook that leaves out the noise works in the release build")
        # … and where it does, the audit has to see that the noise is missing.
        status, facts = audit(given.hooked, folder, data, 101, WITHOUT_NOISE, {"seed": given.seed}, hook=True)
        row = figures(WITHOUT_NOISE[0], facts, status)
        show(row)
        if row["hasNoise"]:
            failures.append("the debug build has no hook that leaves out the noise")
        elif status != 1 or not row["epsilonLowerBound"] > row["provenEpsilon"]:
            failures.append("the audit did not find that the noise was missing")
    if given.json:
        print(json.dumps({"configurations": rows, "failures": failures, "passed": not failures}, indent=2))
    for failure in failures:
        print("error: " + failure, file=sys.stderr)
    if not failures and not given.json:
        print("passed: no lower bound is above what is proven, and missing noise is found")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
