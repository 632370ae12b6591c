#!/usr/bin/python3
"""Adds up the single test cases of suites that scripts/test ran.

A suite's folder holds JUnit files (*.xml), `steps` (lines of outcome, name, reason, parted by tabs) and `status`, the
exit status of the suite. Failed and skipped cases are listed; the last line is `N passed, N failed, N skipped`.
"""

import argparse
import collections
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

Case = collections.namedtuple("Case", "outcome name reason")


def one_line(text):
    # GoogleTest puts the place in the source on a line of its own before the reason.
    return " ".join(re.sub(r"^\S+:\d+\n", "", text or "").split())


def junit_cases(path):
    for element in ElementTree.parse(path).iter("testcase"):
        name = ".".join(filter(None, (element.get("classname"), element.get("name"))))
        skipped = element.find("skipped")
        if element.find("failure") is not None or element.find("error") is not None:
            yield Case("failed", name, "")
        elif skipped is not None:
            yield Case("skipped", name, one_line(skipped.get("message") or skipped.text) or "gives no reason")
        elif element.get("status") == "notrun":
            yield Case("skipped", name, "disabled in the source")
        else:
            yield Case("passed", name, "")


def suite_cases(folder):
    cases = []
    for path in sorted(folder.glob("*.xml")):
        cases.extend(junit_cases(path))
    steps = folder / "steps"
    if steps.exists():
        cases.extend(Case(*line.split("\t")) for line in steps.read_text().splitlines())

    # A crash, a timeout or a leak found at exit need not be in any JUnit file.
    status = int((folder / "status").read_text())
    if status != 0 and not any(case.outcome == "failed" for case in cases):
        cases.append(Case("failed", folder.name, f"exit status {status}"))
    elif not cases:
        cases.append(Case("failed", folder.name, "ran no test"))
    return cases


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", metavar="FOLDER", type=pathlib.Path, nargs="*", help="results of one suite")
    folders = parser.parse_args().folders

    counts = collections.Counter()
    for folder in folders:
        for case in suite_cases(folder):
            counts[case.outcome] += 1
            if case.outcome != "passed":
                print(f"{case.outcome}: {folder.name}: {case.name}" + (f": {case.reason}" if case.reason else ""))
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
