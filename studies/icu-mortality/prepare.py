#!/usr/bin/env python3
"""Shares out set a of the PhysioNet/CinC Challenge 2012 over four folders, one per type of unit.

    prepare.py SOURCE_FOLDER OUTPUT_FOLDER

SOURCE_FOLDER holds set-a.csv.gz (RecordID, Time, Parameter, Value), Outcomes-a.txt and split_seed0.csv
(RecordID, site, split). Rows are copied as they are; each goes to the unit that its stay's ICUType names.
"""

import csv
import gzip
import pathlib
import sys

UNITS = {"1": "coronary-care", "2": "cardiac-surgery-recovery", "3": "medical", "4": "surgical"}
STAYS = 4000


def rows(path):
    opened = gzip.open(path, "rt", newline="") if path.suffix == ".gz" else open(path, newline="")
    with opened as file:
        yield from csv.reader(file)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    source, output = map(pathlib.Path, sys.argv[1:])
    unit = {row[0]: UNITS[row[3]] for row in rows(source / "set-a.csv.gz") if row[2] == "ICUType"}
    if len(unit) != STAYS:
        sys.exit(f"{len(unit)} stays instead of {STAYS}: not set a of the challenge")
    for name in UNITS.values():
        (output / name).mkdir(parents=True, exist_ok=True)
    for name in ["set-a.csv.gz", "Outcomes-a.txt", "split_seed0.csv"]:
        write = gzip.open if name.endswith(".gz") else open
        files = {u: write(output / u / name, "wt", newline="") for u in UNITS.values()}
        writers = {u: csv.writer(file, lineterminator="\n") for u, file in files.items()}
        for number, row in enumerate(rows(source / name)):
            for u in writers if number == 0 else [unit[row[0]]]:
                writers[u].writerow(row)
        for file in files.values():
            file.close()


main()
