#!/usr/bin/python3
"""Adds up the test cases of suites that scripts/test ran.

The folder of a suite has JUnit files (*.xml), `steps` (lines of outcome, name and reason, separated by tabs) and
`status`, the exit status of the suite. Cases in repeated.xml failed before and were repeated: their new outcome counts,
and the first failure is listed. Failed and skipped cases are listed, too. The last line is
`N passed, N failed, N skipped`.
"""

import argparse
import collections
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

Case = collections.namedtuple("Case", "outcome name reason")
MAX_REASON_LENGTH = 400


def one_line(text):
    # GoogleTest prints the source location on a line of its own before the reason.
    line = " ".join(re.sub(r"^\S+:\d+\n", "", text or "").split())
    return line if len(line) <= MAX_REASON_LENGTH else line[:MAX_REASON_LENGTH] + " ..."


def junit_cases(path):
    for element in ElementTree.parse(path).iter("testcase"):
        name = ".".join(filter(None, (element.get("classname"), element.get("name"))))
        skipped = element.find("skipped")
        failed = [found for found in (element.find("failure"), element.find("error")) if found is not None]
        if failed:
            yield Case("failed", name, one_line(failed[0].get("message") or failed[0].text))
        elif skipped is not None:
            yield Case("skipped", name, one_line(skipped.get("message") or skipped.text) or "gives no reason")
        elif element.get("status") == "notrun":
            yield Case("skipped", name, "disabled in the source")
        else:
            yield Case("passed", name, "")


def with_repeated(cases, repeated):
    """Lists each case once. A case that failed and then passed counts as passed, with the failure as its reason."""
    outcomes = {case.name: case.outcome for case in repeated}
    return [Case("passed", case.name, "failed at first and passed when repeated alone: " + case.reason)
            if case.outcome == "failed" and outcomes.get(case.name) == "passed" else case for case in cases]


def suite_cases(folder):
    cases = []
    repeated = folder / "repeated.xml"
    for path in sorted(folder.glob("*.xml")):
        if path != repeated:
            cases.extend(junit_cases(path))
    if repeated.exists():
        cases = with_repeated(cases, junit_cases(repeated))
    steps = folder / "steps"
    if steps.exists():
        cases.extend(Case(*line.split("\t")) for line in steps.read_text().splitlines())

    # A crash, a timeout or a leak found at exit may be missing from the JUnit files.
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
            if case.outcome != "passed" or case.reason:
                print(f"{case.outcome}: {folder.name}: {case.name}" + (f": {case.reason}" if case.reason else ""))
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
