"""scripts/test: what it says about suites that it did not run."""

import pathlib
import shutil
import subprocess

import pytest

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def scripts_test(tmp_path):
    """scripts_test(OPTIONS...) runs a copy, as the original would remove the results of the run in progress."""
    (tmp_path / "scripts").mkdir()
    for name in ("test", "test_counts.py", "library.sh"):
        shutil.copy(SCRIPTS / name, tmp_path / "scripts")
    installer = tmp_path / "scripts/install-dependencies"
    installer.write_text("#!/bin/sh\n")
    installer.chmod(0o755)
    return lambda *options: subprocess.run((tmp_path / "scripts/test", *options), capture_output=True, text=True,
                                           check=False, timeout=60)


def test_suite_that_is_left_out_for_lack_of_time_fails_the_run(scripts_test):
    done = scripts_test("--suite", "unit", "--suite", "fuzz", "--begin-within", "0")
    assert done.returncode == 1
    assert done.stderr == ("test: error: these suites did not run, as 0 minutes were over: unit fuzz; run each of them "
                           "with --suite\n")
    assert done.stdout == "0 passed, 0 failed, 0 skipped\n"
