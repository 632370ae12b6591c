"""Measures l2echo against its peers and writes the results; scripts/bench builds first and starts it."""

import argparse
import contextlib
import datetime
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from bench import (against, burst_function, core_count, cross_wire, idling, memif, net_null, net_pcap, scrapes, sweep,
                   veth, vhost_user, workers)
from bench.build import Build
from bench.comparison import NotMeasured
from bench.environment import describe_commit, describe_machine, now
from bench.hugepages import Hugepages
from bench.programs import ROUND_TRIP, Lab, end_as_on_ctrl_c
from bench.result_table import markdown, plain
from scripts.whole_file import replace_text

SCHEMA = "l2echo.bench/1"
USAGE = 2
INTERRUPTED = 130
PLOT = pathlib.Path(__file__).resolve().parents[1] / "scripts/plot"
PLOT_SECONDS = 120
GROUPS = (net_null, net_pcap, burst_function, memif, workers, cross_wire, veth, vhost_user, idling, scrapes, sweep)


def parse_arguments():
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.splitlines()[0])
    parser.add_argument("--build-dir", required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", action="append", default=[], metavar="NAME")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--pairs", type=number_of_pairs, metavar="N")
    parser.add_argument("--against", nargs=2, metavar=("COMMIT", "BUILD_DIR"))
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("build/bench"))
    parser.add_argument("--command", default="python3 -m bench.main", help=argparse.SUPPRESS)
    return parser.parse_args()


def number_of_pairs(text):
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of pairs, such as 15")
    return int(text)


def make_folder(folder):
    """Creates the folder for the owner of its parent, even under sudo."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    give_to_owner_of(missing[-1].parent if missing else folder, missing)


def give_to_owner_of(folder, paths):
    if os.geteuid() == 0:
        owner = folder.stat()
        for path in paths:
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def put_aside(folder):
    """Moves all files of an earlier result into a separate folder."""
    result = folder / "bench.json"
    if not result.exists():
        return
    ended = datetime.datetime.fromtimestamp(result.stat().st_mtime, datetime.timezone.utc)
    earlier = folder / "earlier" / ended.strftime("%Y-%m-%d-%H%M%S")
    files = [folder / name for name in json.loads(result.read_text(encoding="utf-8")).get("files", [result.name])]
    for path in filter(pathlib.Path.exists, files):
        make_folder((earlier / path.relative_to(folder)).parent)
        path.rename(earlier / path.relative_to(folder))


def prepare_output(folder):
    """Fails before an hour of measurements rather than after it."""
    try:
        make_folder(folder)
        with tempfile.TemporaryFile(dir=folder):
            pass
        put_aside(folder)
    except (AttributeError, ValueError) as error:
        raise SystemExit(f"bench: error: --output {folder}: its bench.json is not a benchmark result ({error}); give "
                         "another folder") from error
    except OSError as error:
        raise SystemExit(f"bench: error: --output {folder}: {error.strerror}; give a writable folder") \
            from error


def chosen(comparisons, names):
    """All comparisons, or those whose group or key was named; an unknown name is an error."""
    wanted = [comparison for comparison in comparisons
              if not names or comparison.group in names or comparison.key in names]
    known = {name for comparison in comparisons for name in (comparison.group, comparison.key)}
    for name in names:
        if name not in known:
            complain(f"error: --only {name}: no such comparison; --list shows all, --quick has fewer")
            sys.exit(USAGE)
    return wanted


class Progress:
    """A progress line that overwrites itself on a terminal; prints nothing elsewhere."""

    def __init__(self, total):
        self._total = total
        self._number = 0
        self._began = time.monotonic()

    def begin(self):
        self._number += 1

    def show(self, title, turn):
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        self._write(f"{minutes}:{seconds:02} {self._number} of {self._total}: {title}, "
                    f"{f'pair {turn}' if turn else 'warm-up'}")

    def end(self):
        self._write("")

    @staticmethod
    def _write(text):
        if sys.stderr.isatty():
            print(f"\r{text[:shutil.get_terminal_size().columns - 1]}\033[K", end="", file=sys.stderr, flush=True)


def complain(text):
    print(f"bench: {text}", file=sys.stderr)


def measure(lab, comparisons):
    """The results so far; a signal must not lose an hour of measurements."""
    progress = Progress(len(comparisons))
    results = []
    with contextlib.suppress(KeyboardInterrupt):
        for comparison in comparisons:
            progress.begin()
            contest = comparison.contest(complain, lab.cache_line_round_trip)
            results.append(contest.measure(lab.pairs, lambda turn, title=comparison.title: progress.show(title, turn)))
    progress.end()
    return results


def draw_plots(folder):
    """Plots bench.json; returns the images."""
    done = subprocess.run((PLOT, folder), capture_output=True, text=True, check=False, timeout=PLOT_SECONDS)
    if done.returncode != 0:
        complain(done.stderr.strip())
    return [pathlib.Path(line) for line in done.stdout.splitlines()]


def write(folder, result):
    """Gives the files to the owner of the folder."""
    data, table = folder / "bench.json", folder / "bench.md"
    replace_text(table, "\n".join([markdown(result), *core_count.markdown(result["core_counts"])]))
    replace_text(data, json.dumps(result, indent=1) + "\n")
    histograms = [folder / contender["histogram"] for comparison in result["comparisons"]
                  for contender in comparison["contenders"] if "histogram" in contender]
    files = [data, table, *draw_plots(folder), *histograms]
    result["files"] = [str(path.relative_to(folder)) for path in files]
    replace_text(data, json.dumps(result, indent=1) + "\n")
    give_to_owner_of(folder, [*files, *{path.parent for path in histograms}])


def all_comparisons(lab, against_what):
    """against_what: a commit and its build folder, or None."""
    if against_what:
        commit, folder = against_what
        return against.comparisons(lab, Build(folder, commit))
    return (comparison for group in GROUPS for comparison in group.comparisons(lab))


def run(arguments, scratch, hugepages):
    lab = Lab(Build(arguments.build_dir, "this"), quick=arguments.quick, output=arguments.output, scratch=scratch,
              hugepages=hugepages, pairs=arguments.pairs)
    comparisons = list(all_comparisons(lab, arguments.against))
    if arguments.list:
        for comparison in comparisons:
            print(f"{comparison.group:12} {comparison.key:22} {comparison.title}")
        return 0
    comparisons = chosen(comparisons, arguments.only)
    try:
        lab.program(ROUND_TRIP)
    except NotMeasured as error:
        raise SystemExit(f"bench: error: {error}; scripts/bench builds it") from error
    prepare_output(arguments.output)
    result = {"schema": SCHEMA, "date": now(), "commit": describe_commit(),
              "against": arguments.against and arguments.against[0], "command": arguments.command,
              "mode": "quick" if arguments.quick else "full", "pairs": lab.pairs,
              "cpu_seconds_each": lab.cpu_seconds_each, "load_before": os.getloadavg()[0],
              "environment": describe_machine(lab)}
    result["comparisons"] = measure(lab, comparisons)
    result["environment"]["pages"] = sorted(hugepages.given)
    result["complete"] = len(result["comparisons"]) == len(comparisons)
    result["core_counts"] = core_count.core_counts(result["comparisons"])
    write(arguments.output, result)
    print(plain(result))
    print(f"\nWritten to {arguments.output}: bench.md, bench.json, plots (SVG)")
    failed = [contender for comparison in result["comparisons"] for contender in comparison["contenders"]
              if contender["outcome"] == "failed"]
    if failed:
        complain(f"error: {len(failed)} contenders failed; the table says which")
    if not result["complete"]:
        complain("error: interrupted; completed measurements were written")
        return INTERRUPTED
    return 1 if failed else 0


def main():
    arguments = parse_arguments()
    end_as_on_ctrl_c()
    with tempfile.TemporaryDirectory(prefix="l2echo-bench-") as folder, Hugepages() as hugepages:
        os.environ["XDG_RUNTIME_DIR"] = folder
        return run(arguments, pathlib.Path(folder), hugepages)


if __name__ == "__main__":
    sys.exit(main())
