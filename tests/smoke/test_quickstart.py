"""scripts/quickstart on a machine that loses frames: a second run, and a message that says what to do."""

import json
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECONDS = 60
ECHO = """#!/usr/bin/env bash
trap 'exit 0' INT
echo 'L2ECHO: Ready: echoing on 1 port' >&2
while :; do sleep 0.05; done
"""
PROBE = """#!/usr/bin/env bash
cd "$(dirname "$0")"
echo run >>runs
cat "result$(wc -l <runs)"
"""


def result_of(**counts):
    return {"sent": 1000, "returned": 1000 - counts.get("lost", 0), "lost": 0, "duplicated": 0, "reordered": 0,
            "corrupted": 0, "round_trip_ns": {"p50": 1000, "p99": 2000, "p99_9": 3000}, **counts}


@pytest.fixture
def quickstart(tmp_path):
    """quickstart(RESULTS...) runs the script in a tree of stand-ins, whose probe prints one result after the other."""
    scripts, build, programs = (tmp_path / name for name in ("scripts", "build", "programs"))
    for folder in (scripts, build, programs):
        folder.mkdir()
    for name in ("quickstart", "library.sh"):
        shutil.copy(ROOT / "scripts" / name, scripts)
    (build / "build.ninja").touch()
    for path, text in ((scripts / "install-dependencies", "#!/bin/sh\n"), (programs / "ninja", "#!/bin/sh\n"),
                       (build / "l2_multi_echo", ECHO), (build / "l2_probe", PROBE)):
        path.write_text(text)
        path.chmod(0o755)

    def run(*results):
        for number, result in enumerate(results, 1):
            (build / f"result{number}").write_text(json.dumps(result))
        done = subprocess.run((scripts / "quickstart",), env={"PATH": f"{programs}:/usr/bin:/bin"}, text=True,
                              check=False, capture_output=True, timeout=SECONDS)
        return done, (build / "runs").read_text().count("run")

    return run


def test_clean_run_is_not_repeated(quickstart):
    done, runs = quickstart(result_of())
    assert (done.returncode, runs, done.stderr) == (0, 1, "")
    assert "Sent 1000 frames, 1000 came back swapped, 0 lost, 0 corrupted; round trip p50 1.0 us" in done.stdout


def test_run_that_lost_frames_is_repeated(quickstart):
    done, runs = quickstart(result_of(lost=3), result_of())
    assert (done.returncode, runs, done.stderr) == (0, 2, "")
    assert "\n3 of 1000 frames were lost. Running again" in done.stdout


def test_second_loss_is_explained(quickstart):
    done, runs = quickstart(result_of(lost=3), result_of(lost=5))
    assert (done.returncode, runs) == (1, 2)
    line, = done.stderr.splitlines()
    assert line.startswith("quickstart: error: 5 of 1000 frames were lost in the second run too: ")
    assert "load average" in line and "end other work on this machine" in line


@pytest.mark.parametrize("fault", ["corrupted", "duplicated", "reordered"])
def test_faulty_frames_are_no_matter_of_load(quickstart, fault):
    done, runs = quickstart(result_of(lost=3, **{fault: 1}))
    assert (done.returncode, runs) == (1, 1)
    assert done.stderr.splitlines()[-1].endswith("not every frame came back swapped, once and in order")
