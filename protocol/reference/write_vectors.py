#!/usr/bin/env python3
"""Writes protocol/vectors/secure-aggregation/*.json and protocol/vectors/noise/*.json; with --check compares instead."""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import basics  # noqa: E402
import noise_vectors  # noqa: E402
import scenarios  # noqa: E402

FOLDER = HERE.parent / "vectors"


def text(contents):
    """JSON with one table entry or step on a line, so that a change shows where it is."""
    lines = []
    for key, value in contents.items():
        if isinstance(value, list):
            inner = ",\n".join("  " + json.dumps(v, ensure_ascii=False) for v in value)
            lines.append('"%s": [\n%s\n]' % (key, inner))
        elif isinstance(value, dict) and value and key in ("messages", "payloads", "inputs", "randomness"):
            rows = []
            for name, entry in value.items():
                if isinstance(entry, list) and entry:
                    rows.append('  "%s": [\n%s\n  ]' % (name, ",\n".join("    " + json.dumps(e, ensure_ascii=False) for e in entry)))
                else:
                    rows.append('  "%s": %s' % (name, json.dumps(entry, ensure_ascii=False)))
            lines.append('"%s": {\n%s\n}' % (key, ",\n".join(rows)))
        else:
            lines.append('"%s": %s' % (key, json.dumps(value, ensure_ascii=False)))
    return "{\n" + ",\n".join(lines) + "\n}\n"


def compare(folder, files, check):
    """Writes or compares the files of one folder; the names of those that differ."""
    for contents in files.values():
        json.loads(contents)
    folder.mkdir(parents=True, exist_ok=True)
    present = {path.name for path in folder.glob("*.json")}
    wrong = []
    for name, contents in sorted(files.items()):
        path = folder / name
        if check:
            if not path.exists() or path.read_text(encoding="utf-8") != contents:
                wrong.append(name)
        else:
            path.write_text(contents, encoding="utf-8")
    for name in sorted(present - set(files)):
        if check:
            wrong.append(name + " (not written by the reference)")
        else:
            (folder / name).unlink()
    return wrong


def main():
    check = "--check" in sys.argv[1:]
    wrong, count = [], 0
    for name, contents in (("secure-aggregation", basics.everything() | scenarios.everything()), ("noise", noise_vectors.everything())):
        files = {key + ".json": text(value) for key, value in contents.items()}
        wrong += compare(FOLDER / name, files, check)
        count += len(files)
    if wrong:
        print("differ: " + ", ".join(wrong))
        return 1
    print("%d files %s" % (count, "agree" if check else "written"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
