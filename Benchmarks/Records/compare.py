"""A long CSV of records to one row per patient: Wardround beside polars and DuckDB, in turn on one machine.

    scripts/bench records [--events 10000000] [--threads 1,2] [--repeats 3] [--json]

Writes the CSV (a hundred records of eight measurements per patient, in blocks of 1,000 patients without
order inside), then runs `wardround site features` and the same aggregation in the other two: minimum,
maximum, mean, last value and count of every measurement in the first 48 hours. Each run is a process of its
own; the least wall and processor time of the repeats count, and the most memory (maximum resident set). The
three tables are compared cell by cell before any figure is printed, and Wardround's own are the same bytes for
every number of threads.
"""

import argparse
import csv
import hashlib
import importlib.metadata
import json
import math
import os
import subprocess
import sys
import tempfile
import time

CODES = ["alb", "bili", "crea", "glu", "hr", "k", "lact", "na"]
FUNCTIONS = ["min", "max", "mean", "last", "count"]
HORIZON = 48 * 60
PER_PATIENT = 100
BLOCK = 1000


def write_events(path, events):
    """Patients with 100 records each at different minutes of three days."""
    import numpy as np

    random = np.random.default_rng(7)
    with open(path, "w") as file:
        file.write("patient,minute,code,value\n")
        for first in range(0, max(1, events // PER_PATIENT), BLOCK):
            count = min(BLOCK, max(1, events // PER_PATIENT) - first)
            patient = np.repeat(np.arange(first, first + count), PER_PATIENT)
            slot = np.tile(np.arange(PER_PATIENT), count)
            minute = slot * 43 + random.integers(0, 43, len(slot))
            code = random.integers(0, len(CODES), len(slot))
            value = np.round(random.gamma(3, 20, len(slot)), 2) + 0.01
            order = random.permutation(len(slot))
            file.writelines(
                f"p{patient[i]},{minute[i]},{CODES[code[i]]},{value[i]:.2f}\n" for i in order)


def write_settings(folder):
    variables = "".join(
        f"  - {{name: {code}, codes: [{code}], range: [0, 100000]}}\n" for code in CODES)
    with open(f"{folder}/recipe.yaml", "w") as file:
        file.write(
            f"variables:\n{variables}index: start\npredict: {{after: 48 h}}\nfeatures:\n"
            f"  - {{variables: [{', '.join(CODES)}], window: since index,\n"
            f"     functions: [{', '.join(FUNCTIONS)}]}}\n")
    with open(f"{folder}/records.yaml", "w") as file:
        file.write(
            "sources:\n  - {form: long, file: events.csv, subject: patient, time: minute,"
            " time_format: minutes, code: code, value: value}\n")


POLARS = """
import sys
import polars as pl
source, out = sys.argv[1:]
codes, horizon = {codes!r}, {horizon}
columns = []
for code in codes:
    own = pl.col("code") == code
    value = pl.col("value").filter(own)
    columns += [
        value.min().alias(code + "_min"), value.max().alias(code + "_max"),
        value.mean().alias(code + "_mean"),
        value.sort_by(pl.col("minute").filter(own)).last().alias(code + "_last"),
        value.len().alias(code + "_count"),
    ]
schema = {{"patient": pl.String, "minute": pl.Int64, "code": pl.String, "value": pl.Float64}}
table = (
    pl.scan_csv(source, schema=schema)
    .filter((pl.col("minute") >= 0) & (pl.col("minute") <= horizon))
    .group_by("patient").agg(columns))
table.sort("patient").collect(engine="streaming").write_csv(out)
"""

DUCKDB = """
import sys
import duckdb
source, out, threads = sys.argv[1:]
codes, horizon = {codes!r}, {horizon}
connection = duckdb.connect(config={{"threads": int(threads)}})
columns = []
for code in codes:
    own = f"FILTER (WHERE code = '{{code}}')"
    columns += [
        f"min(value) {{own}} AS {{code}}_min", f"max(value) {{own}} AS {{code}}_max",
        f"avg(value) {{own}} AS {{code}}_mean", f"arg_max(value, minute) {{own}} AS {{code}}_last",
        f"count(value) {{own}} AS {{code}}_count",
    ]
connection.execute(
    f"COPY (SELECT patient, {{', '.join(columns)}} FROM read_csv('{{source}}', header = true, columns ="
    " {{'patient': 'VARCHAR', 'minute': 'BIGINT', 'code': 'VARCHAR', 'value': 'DOUBLE'}})"
    f" WHERE minute BETWEEN 0 AND {{horizon}} GROUP BY patient ORDER BY patient)"
    f" TO '{{out}}' (HEADER, DELIMITER ',')")
"""


def command(learner, program, folder, threads):
    """Arguments of one run and the table that it writes."""
    out = f"{folder}/{learner}.csv"
    if learner == "wardround":
        return [program, "site", "features", "--recipe", f"{folder}/recipe.yaml", "--records",
                f"{folder}/records.yaml", "--out", out, "--threads", str(threads), "--quiet"], out
    text = (POLARS if learner == "polars" else DUCKDB).format(codes=CODES, horizon=HORIZON)
    script = f"{folder}/run_{learner}.py"
    with open(script, "w") as file:
        file.write(text)
    extra = [] if learner == "polars" else [str(threads)]
    return [sys.executable, script, f"{folder}/events.csv", out] + extra, out


def measure(arguments, threads):
    """Wall seconds, processor seconds and most bytes of one process."""
    environment = dict(os.environ, POLARS_MAX_THREADS=str(threads), OMP_NUM_THREADS=str(threads))
    start = time.perf_counter()
    process = subprocess.Popen(
        arguments, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"error: {arguments[0]} ended with {process.returncode}: {errors.decode()[-2000:]}")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def rows(path, skipped):
    with open(path, newline="") as file:
        reader = csv.reader(file)
        next(reader)
        for row in reader:
            yield row[0], row[skipped:]


def differences(ours, other):
    """Cells that are not the same number in both tables; means may differ in their last bits."""
    count = 0
    theirs = dict(rows(other, 1))
    for patient, cells in rows(ours, 2):
        against = theirs.pop(patient, None)
        # A patient without any record in the window is a row of ours alone.
        if against is None:
            count += any(cell not in ("", "0") for cell in cells)
            continue
        for a, b in zip(cells, against):
            x, y = (float(a) if a else math.nan), (float(b) if b else math.nan)
            count += not (x == y or math.isnan(x) and math.isnan(y)
                          or abs(x - y) <= 1e-9 * max(abs(x), abs(y)))
    return count + len(theirs)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    learners = ["wardround", "polars", "duckdb"]
    versions = {name: importlib.metadata.version(name) for name in learners[1:]}
    report = []
    tables = set()
    with tempfile.TemporaryDirectory() as folder:
        write_events(f"{folder}/events.csv", options.events)
        write_settings(folder)
        size = os.path.getsize(f"{folder}/events.csv")
        for threads in map(int, options.threads.split(",")):
            best = {}
            for _ in range(max(1, options.repeats)):
                for learner in learners:
                    arguments, _ = command(learner, options.program, folder, threads)
                    wall, cpu, memory = measure(arguments, threads)
                    old = best.get(learner, (wall, cpu, memory))
                    best[learner] = (min(wall, old[0]), min(cpu, old[1]), max(memory, old[2]))
            with open(f"{folder}/wardround.csv", "rb") as file:
                tables.add(hashlib.file_digest(file, "sha256").hexdigest())
            if len(tables) > 1:
                sys.exit("error: Wardround's table depends on the number of threads")
            faster = min(best[learner][0] for learner in learners[1:])
            less = min(best[learner][1] for learner in learners[1:])
            smaller = min(best[learner][2] for learner in learners[1:])
            for learner in learners:
                wall, cpu, memory = best[learner]
                report.append({
                    "threads": threads, "program": learner, "events": options.events,
                    "file_bytes": size, "wall_seconds": wall, "processor_seconds": cpu,
                    "memory_bytes": memory, "events_per_second": options.events / wall,
                    "wall_over_faster": wall / faster,
                    "processor_over_faster": cpu / less, "memory_over_smaller": memory / smaller})
        # Last: a process inherits the most memory of the one that starts it, and this takes much.
        for learner in learners[1:]:
            wrong = differences(f"{folder}/wardround.csv", f"{folder}/{learner}.csv")
            if wrong:
                sys.exit(f"error: {wrong} cells differ from {learner}'s: the runs are no comparison")
    if options.json:
        print(json.dumps({"benchmark": "records", "versions": versions, "rows": report}, indent=2))
        return
    print(f"{options.events:,} records, {size / 1e6:.0f} MB, to {len(CODES) * len(FUNCTIONS)} features; "
          + ", ".join(f"{name} {version}" for name, version in versions.items()))
    print("threads  program     wall s   cpu s      MB   million/s   wall/faster   cpu/faster   memory/smaller")
    for row in report:
        print(f"{row['threads']:>7}  {row['program']:<10} {row['wall_seconds']:>7.2f} "
              f"{row['processor_seconds']:>7.2f} {row['memory_bytes'] / 1e6:>7.0f} "
              f"{row['events_per_second'] / 1e6:>11.2f} {row['wall_over_faster']:>13.2f} "
              f"{row['processor_over_faster']:>12.2f} "
              f"{row['memory_over_smaller']:>16.2f}")
    print("`wall/faster`, `cpu/faster`, `memory/smaller`: over the better of polars and DuckDB with as many threads.")


main()
