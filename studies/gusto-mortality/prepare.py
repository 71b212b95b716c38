#!/usr/bin/env python3
"""Writes the GUSTO-I cohort, one CSV per region of the trial.

    prepare.py GUSTO_CSV OUTPUT_FOLDER

GUSTO_CSV is gusto.csv.gz (or gusto.csv): the 40,830 patients of the trial with complete data, as the R
package predtools ships them. The region is the column `regl`, 1 to 16; region 1 becomes
region-01.csv and so on. Only the columns of the study are written, as they stand in the source, and in
front of them `patient`: the row's number in the source, because the file has no identifier of patients.
"""

import csv
import gzip
import pathlib
import sys

COLUMNS = ["day30", "age", "sex", "Killip", "sysbp", "pulse", "miloc", "pmi", "height", "weight", "ttr",
           "dia", "htn", "smk", "prevcvd", "prevcabg", "tx"]
REGIONS = [str(number) for number in range(1, 17)]
EXPECTED = 40830


def main(source, target):
    with (gzip.open if source.suffix == ".gz" else open)(source, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    if len(rows) != EXPECTED or {row["regl"] for row in rows} != set(REGIONS):
        sys.exit(f"{len(rows)} rows instead of {EXPECTED}, or other regions: is this GUSTO-I?")
    target.mkdir(parents=True, exist_ok=True)
    for region in REGIONS:
        chosen = [(number, row) for number, row in enumerate(rows, 1) if row["regl"] == region]
        with open(target / f"region-{int(region):02}.csv", "w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["patient"] + COLUMNS)
            for number, row in chosen:
                writer.writerow([number] + [row[name] for name in COLUMNS])
        deaths = sum(row["day30"] == "1" for _, row in chosen)
        print(f"region-{int(region):02}: {len(chosen)} patients, {deaths} deaths")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
