"""Each patch of this folder is a fault of one line that a TCP stack has had or may have: a test must find it.

Two copies of the tree are built in the folder that L2ECHO_MUTATIONS names. Each patch is applied to one of them, only
what depends on it is built again, and the programs below run until one of them fails.
"""

import concurrent.futures
import filecmp
import functools
import os
import pathlib
import queue
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PATCHES = sorted(HERE.glob("*.patch"))
# What a build needs. Nothing of it is built but the programs.
SOURCES = ("CHANGELOG.md", "LICENSE", "README.md", "apps", "bench", "config", "docs", "include", "meson.build",
           "meson_options.txt", "packaging", "scripts", "src", "tests")
# In this order, because the first ones end sooner. Those of wire and fifo run only for patches of these modules.
PROGRAMS = {"tests/unit/unit_wire": ["--gtest_brief=1"], "tests/unit/unit_fifo": ["--gtest_brief=1"],
            "tests/sim/simulate": ["--schedules", "1000", "--no-shrink"], "tests/unit/unit_tcp": ["--gtest_brief=1"],
            "tests/sim/simulator_tests": ["--gtest_brief=1"], "tests/sim/goodput_tests": ["--gtest_brief=1"]}
SECONDS = 400  # a fault may be an endless loop, and the machine may be busy


def run(*command, **options):
    return subprocess.run([*map(str, command)], text=True, check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, **options)


class Copy:
    """A copy of the tree, without faults between two patches."""

    def __init__(self, folder, is_checked):
        self.source, self.build = folder / "source", folder / "build"
        wanted = {file.relative_to(ROOT) for name in SOURCES for file in [ROOT / name, *(ROOT / name).rglob("*")]
                  if file.is_file()}
        for file in [file for file in self.source.rglob("*") if file.is_file()]:
            if file.relative_to(self.source) not in wanted:
                file.unlink()
        # Only what differs, so that an earlier build is still good, and a fault that an earlier run left is not.
        for name in wanted:
            to = self.source / name
            if not to.exists() or not filecmp.cmp(ROOT / name, to, shallow=False):
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, to)
        if not (self.build / "build.ninja").exists():
            done = run("meson", "setup", self.build, self.source, "--buildtype=plain", "-Doptimization=1",
                       "-Dtests=true", "-Dmanuals=disabled", "-Db_ndebug=false")
            assert done.returncode == 0, done.stdout
        is_built, output = self.ninja()
        assert is_built, output
        found = self.failing_program("/wire/ /fifo/ /tcp/") if is_checked else None
        assert found is None, f"{found} fails without a fault"

    def ninja(self):
        done = run("ninja", "-C", self.build, *PROGRAMS, env={**os.environ, "NINJA_STATUS": ""})
        return done.returncode == 0, done.stdout

    def failing_program(self, changed):
        """The first program that fails, and its output; None if all pass."""
        for program, arguments in PROGRAMS.items():
            if program in ("tests/unit/unit_wire", "tests/unit/unit_fifo") and \
                    f"/{program.removeprefix('tests/unit/unit_')}/" not in changed:
                continue
            try:
                done = run(self.build / program, *arguments, timeout=SECONDS)
            except subprocess.TimeoutExpired:
                return program, "it did not end"
            if done.returncode != 0:
                return program, done.stdout
        return None

    def patch(self, patch, *options):
        """Whether the patch, or with --reverse its opposite, applied."""
        done = run("patch", "--batch", "--forward", "--strip=1", "--input", patch, *options, cwd=self.source)
        return done.returncode == 0, done.stdout

    def try_patch(self, patch):
        applies, output = self.patch(patch, "--dry-run")
        if not applies:
            return "does not apply: write it again for the code of today\n" + output
        self.patch(patch)
        is_built, output = self.ninja()
        found = self.failing_program(patch.read_text(encoding="utf-8")) if is_built else None
        self.patch(patch, "--reverse")
        if not is_built:
            return "does not compile: the fault must be one that compiles\n" + output
        return None if found else "no test finds it"


@functools.cache
def outcomes():
    """All patches, two at a time; each case waits for its own."""
    folder = pathlib.Path(os.environ["L2ECHO_MUTATIONS"])
    copies = queue.SimpleQueue()
    pool = concurrent.futures.ThreadPoolExecutor(max_workers=2)
    made = [pool.submit(Copy, folder / "one", True), pool.submit(Copy, folder / "two", False)]
    for copy in made:
        copies.put(copy.result())

    def try_patch(patch):
        copy = copies.get()
        try:
            return copy.try_patch(patch)
        finally:
            copies.put(copy)

    return {patch: pool.submit(try_patch, patch) for patch in PATCHES}


def test_there_are_enough():
    assert len(PATCHES) >= 20


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.stem)
def test_fault_is_found(patch):
    problem = outcomes()[patch].result()
    assert problem is None, f"{patch.name} {problem}"
