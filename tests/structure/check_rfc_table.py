#!/usr/bin/env python3
"""Compares docs/tcp-rfc-table.md with the unit tests: check_rfc_table.py SOURCE. Prints TAP."""

import pathlib
import re
import sys

# A row ends with the names of its tests, or says that there is nothing to test here.
TEST = re.compile(r"`(\w+\.\w+)`")
EXEMPT = ("*caller*", "*no*")


def tests_of(root):
    """The tests in the sources, as "Suite.Name"."""
    pattern = re.compile(r"^TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\s*\)", re.MULTILINE)
    return {f"{suite}.{name}" for path in (root / "tests/unit").rglob("*_test.cpp")
            for suite, name in pattern.findall(path.read_text(encoding="utf-8"))}


def rows_of(text):
    """The cells of each row of a table with a column for the test."""
    has_tests = False
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if not line.startswith("|"):
            has_tests = False
        elif cells[-1] == "test":
            has_tests = True
        elif has_tests and not line.startswith("|---"):
            yield cells


def faults_of(text, tests):
    faults = []
    for cells in rows_of(text):
        names = TEST.findall(cells[-1])
        if not all(cells) or (not names and not any(word in cells[-1] for word in EXEMPT)):
            faults.append(f"the row of {cells[0]} says neither a test nor why there is none")
        faults += [f"the row of {cells[0]} names {name}, which is no test" for name in names if name not in tests]
    return faults


def main():
    root = pathlib.Path(sys.argv[1])
    text = (root / "docs/tcp-rfc-table.md").read_text(encoding="utf-8")
    tests = tests_of(root)
    known = "| id | what | here | test |\n|---|---|---|---|\n| 1 | a | b | `No.SuchTest` |\n| 2 | a | b |  |\n"
    checks = {"each row names tests that exist, or says why it has none": faults_of(text, tests),
              "the table has rows": [] if len(list(rows_of(text))) > 100 else ["most rows are not read"],
              "an unknown test and an empty row are detected":
                  [] if len(faults_of(known, tests)) == 2 else ["they are not"]}
    print(f"1..{len(checks)}")
    for number, (name, faults) in enumerate(checks.items(), 1):
        print(f"{'not ok' if faults else 'ok'} {number} - {name}")
        for fault in faults:
            print(f"# {fault}")
    return 1 if any(checks.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
