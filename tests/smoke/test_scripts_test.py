"""scripts/test: how it reports suites that did not run."""

import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def scripts_test(tmp_path):
    """scripts_test(OPTIONS...) runs a copy, because the original would remove the results of the current run."""
    (tmp_path / "scripts").mkdir()
    for name in ("test", "test_counts.py", "library.sh"):
        shutil.copy(SCRIPTS / name, tmp_path / "scripts")
    installer = tmp_path / "scripts/install-dependencies"
    installer.write_text("#!/bin/sh\n")
    installer.chmod(0o755)
    return lambda *options: subprocess.run((tmp_path / "scripts/test", *options), capture_output=True, text=True,
                                           check=False, timeout=60)


def test_suite_skipped_for_lack_of_time_fails_the_run(scripts_test):
    done = scripts_test("--suite", "unit", "--suite", "fuzz", "--begin-within", "0")
    assert done.returncode == 1
    assert done.stderr == ("test: error: these suites did not run, as 0 minutes were over: unit fuzz; run each of them "
                           "with --suite\n")
    assert done.stdout == "0 passed, 0 failed, 0 skipped\n"


@pytest.fixture
def folder():
    """A folder outside /run, over which tests/namespace mounts a new file system."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as path:
        yield pathlib.Path(path)


@pytest.mark.parametrize("passes_later", [True, False])
def test_failed_case_is_repeated_alone_and_listed(folder, passes_later):
    shutil.copy(SCRIPTS.parent / "tests/conftest.py", folder)
    (folder / "test_one.py").write_text(f"""
import pathlib
def test_first_time():
    seen = pathlib.Path({str(folder)!r}, "seen")
    again = seen.exists()
    seen.touch()
    assert again and {passes_later}, "what failed"
""")
    (folder / "test_two.py").write_text("def test_other(): pass")
    results = folder / "results"
    results.mkdir()
    runner = SCRIPTS.parent / "tests/two_at_a_time"
    done = subprocess.run((runner, "test_one.py", "test_two.py", "--", "--junit", results), cwd=folder,
                          env=os.environ | {"TMPDIR": str(folder)}, capture_output=True, text=True,
                          check=False, timeout=60)
    assert done.returncode == (0 if passes_later else 1)
    (results / "status").write_text(str(done.returncode))
    counts = subprocess.run((SCRIPTS / "test_counts.py", results), capture_output=True, text=True, check=False)
    assert counts.returncode == done.returncode
    first, sums = counts.stdout.splitlines()
    assert "test_one.test_first_time" in first and "what failed" in first
    assert ("passed when repeated alone" in first) == passes_later
    assert sums == ("2 passed, 0 failed, 0 skipped" if passes_later else "1 passed, 1 failed, 0 skipped")
