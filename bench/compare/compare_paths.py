"""Measures all paths and prints the table; scripts/compare-paths starts it in its own network namespace."""

import argparse
import datetime
import json
import os
import pathlib
import shutil
import sys
import tempfile

from bench.compare.comparison_table import markdown
from bench.compare.measured_path import LINKS, PATHS, SIZES, WARM_UP_FRAMES, PathBench
from bench.comparison import NotMeasured, last_line
from bench.programs import end_as_on_ctrl_c
from scripts.whole_file import replace_text

SCHEMA = "l2echo.comparison/1"
FULL = {"counts": (10_000, 100_000, 1_000_000), "rate": "50kpps"}
QUICK = {"counts": (2_000,), "rate": "5kpps"}


def parse_arguments():
    parser = argparse.ArgumentParser(prog="compare-paths", description=__doc__.splitlines()[0])
    parser.add_argument("--build-dir", required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--output", type=pathlib.Path)
    parser.add_argument("--command", default="python3 -m bench.compare.compare_paths", help=argparse.SUPPRESS)
    return parser.parse_args()


def check_output(folder):
    """Fails before five minutes of measurements rather than after them."""
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise SystemExit(f"compare-paths: error: --output {folder}: {error.strerror}; "
                         "give a writable folder") from error


class Progress:
    """A progress line that overwrites itself on a terminal; prints nothing elsewhere."""

    def __init__(self, runs):
        self._runs = runs
        self._done = 0

    def show(self, path, link, frames, rate):
        self._done += 1
        if sys.stderr.isatty():
            text = f"{self._done} of {self._runs}: {path.title}, {link.title}, {frames} frames at {rate}"
            print(f"\r{text[:shutil.get_terminal_size().columns - 1]}\033[K", end="", file=sys.stderr, flush=True)

    def end(self):
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def run_once(bench, path, link, frames, rate):
    outcome = {"path": path.key}
    try:
        return outcome | {"outcome": "measured"} | bench.measure(path, link, frames, rate)
    except NotMeasured as error:
        return outcome | {"outcome": "not measured", "reason": str(error)}
    except AssertionError as error:
        print(f"compare-paths: {path.title}, {link.title}: {error}", file=sys.stderr)
        return outcome | {"outcome": "failed", "reason": last_line(error)}


def measure_link(bench, link, plan, progress):
    """Alternates between the paths, so that other load on the machine affects all of them."""
    groups = []
    for frames in plan["counts"]:
        for rate in (plan["rate"], "max"):
            runs = []
            for path in PATHS:
                progress.show(path, link, frames, rate)
                runs.append(run_once(bench, path, link, frames, rate))
            groups.append({"frames": frames, "rate": rate, "runs": runs})
    return {"key": link.key, "title": link.title, "impairment": link.impairment, "groups": groups}


def all_runs(links):
    return [run for link in links for group in link["groups"] for run in group["runs"]]


def describe_machine(bench, links, load):
    measured = next((run for run in all_runs(links) if run["outcome"] == "measured"), None)
    environment = measured["probe"]["environment"] if measured else {}
    return {"version": environment.get("version", "unknown"), "cpu": environment.get("cpu", "unknown").strip(),
            "cpus": os.cpu_count(), "kernel": os.uname().release, "load": load, "places": bench.cpus}


def compare(arguments):
    plan = QUICK if arguments.quick else FULL
    bench = PathBench(arguments.build_dir)
    load = os.getloadavg()[0]
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    progress = Progress(len(LINKS) * len(plan["counts"]) * 2 * len(PATHS))
    links = [measure_link(bench, link, plan, progress) for link in LINKS]
    progress.end()
    return {"schema": SCHEMA, "date": date, "command": arguments.command, "sizes": SIZES,
            "warm_up_frames": WARM_UP_FRAMES,
            "columns": [path.title for path in PATHS], "machine": describe_machine(bench, links, load),
            "links": links}


def write(folder, comparison):
    """Gives the files to the owner of the folder, even under sudo."""
    owner = folder.stat()
    for name, text in (("comparison.json", json.dumps(comparison, indent=1) + "\n"),
                       ("comparison.md", markdown(comparison))):
        replace_text(folder / name, text)
        os.chown(folder / name, owner.st_uid, owner.st_gid)


def main():
    end_as_on_ctrl_c()
    arguments = parse_arguments()
    check_output(arguments.output)
    comparison = compare(arguments)
    print(markdown(comparison))
    if arguments.output:
        write(arguments.output, comparison)
    failed = sum(run["outcome"] == "failed" for run in all_runs(comparison["links"]))
    if failed:
        print(f"compare-paths: error: {failed} runs failed; the table says which", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\ncompare-paths: error: interrupted; nothing was written", file=sys.stderr)
        sys.exit(130)
