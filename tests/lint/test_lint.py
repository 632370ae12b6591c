"""scripts/lint: finds a fault of each kind, where it is, and nothing in a tree without faults."""

import pathlib
import subprocess

import pytest

LINT = pathlib.Path(__file__).resolve().parents[2] / "scripts/lint"

MISSPELLED = "rec" + "ieve"  # in two parts, as lint reads this file too

FAULTLESS = {
    "CONTRIBUTING.md": "| Avoid | Use | Why |\n|---|---|---|\n"
                       "| `quux`, `old * name`, `kOld*` | the new one | it is old |\n",
    "README.md": f"```\n{'x' * 130}\n```\n| a table {'x' * 130} |\n\nhttps://example.org/{'x' * 130}\n",
    "meson.build": "project('faultless', 'cpp')\nexecutable('main', 'src/main.cpp')\n",
    "src/main.cpp": 'const char* kText =\n    "a phrase, "\n    "and another";\n\nint main() {\n    return 0;\n}\n',
    "scripts/run": '#!/bin/sh\necho "$1"\n',
    "scripts/tool": "#!/usr/bin/python3\nprint(1)\n",
    "docs/results/old.md": f"quux {MISSPELLED}\n",
    "build/copy.md": "quux\n",
    "docs/man/page.scd": "page(1)\n\n# NAME\n\npage - a page\n",
}

# check -> the file, its text, and what lint says
FAULTS = {
    "format": ("src/a.cpp", "int  a = 0;\n", "src/a.cpp:1: is not laid out"),
    "strings": ("src/a.cpp", 'const char* kText =\n    "in the "\n    "middle";\n', "src/a.cpp:2: the literal is "),
    "shell": ("scripts/a", "#!/bin/sh\necho $1\n", "scripts/a:2:6: note: Double quote"),
    "python": ("a.py", "import os\n", "a.py:1:1: 'os' imported but unused"),
    "spelling": ("a.md", f"{MISSPELLED}\n", f"a.md:1: {MISSPELLED} ==> receive"),
    "width": ("a.md", "\n" + "word " * 30 + "\n", "a.md:2: has 150 columns"),
    "man": ("docs/man/a.scd", "page(1)\n\n# NAME\n\na\tb\n", "docs/man/a.scd: once rendered, "),
}


@pytest.fixture
def tree(tmp_path):
    """A source tree without faults."""
    for name, text in FAULTLESS.items():
        write(tmp_path / name, text)
    (tmp_path / ".clang-format").write_bytes((LINT.parents[1] / ".clang-format").read_bytes())
    (tmp_path / ".clang-tidy").write_bytes((LINT.parents[1] / ".clang-tidy").read_bytes())
    return tmp_path


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def run_lint(tree, *arguments):
    done = subprocess.run((LINT, "--root", tree, "--steps", tree / "build/steps", *arguments), capture_output=True,
                          text=True, check=False, timeout=120)
    outcomes = dict(line.split("\t")[1::-1] for line in (tree / "build/steps").read_text().splitlines())
    return done, outcomes


def assert_found(done, outcomes, check, message):
    if outcomes[check] == "skipped":
        pytest.skip(done.stdout.strip())
    assert (done.returncode, outcomes[check]) == (1, "failed")
    assert any(line.startswith(message) for line in done.stdout.splitlines()), done.stdout


def test_tree_without_faults_passes(tree):
    done, outcomes = run_lint(tree)
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(outcomes) == {*FAULTS, "words"}
    assert set(outcomes.values()) <= {"passed", "skipped"}


@pytest.mark.parametrize("check", FAULTS)
def test_fault_is_found_in_its_line(tree, check):
    name, text, message = FAULTS[check]
    write(tree / name, text)
    done, outcomes = run_lint(tree)
    assert_found(done, outcomes, check, message)
    assert [name for name, outcome in outcomes.items() if outcome == "failed"] == [check]


@pytest.mark.parametrize(("text", "line"), [
    ("\nQuux is old.\n", 2), ("quux_value = 1\n", 1), ("// an old\n// file name\n", 1), ("kOldValue\n", 1)],
    ids=["any case", "part of a name", "across lines of a comment", "any letters"])
def test_word_of_the_list_is_found(tree, text, line):
    write(tree / "a.txt", text)
    done, outcomes = run_lint(tree, "words")
    assert_found(done, outcomes, "words", f"a.txt:{line}: ")
    assert "use: the new one" in done.stdout


@pytest.mark.parametrize("text", ["quuxes", "un-quux", "kold"])
def test_other_words_are_not_on_the_list(tree, text):
    write(tree / "a.txt", text + "\n")
    assert run_lint(tree, "words")[0].returncode == 0


@pytest.mark.long
def test_clang_tidy_finds_a_fault_in_its_line(tree):
    write(tree / "src/main.cpp", "int main() {\n    int none = 0;\n    return 1 / none;\n}\n")
    done, outcomes = run_lint(tree, "tidy")
    assert_found(done, outcomes, "tidy", "src/main.cpp:3:")


def test_check_that_does_not_exist_is_named(tree):
    done = subprocess.run((LINT, "--root", tree, "layout"), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "no check is named layout; there are: format, " in done.stderr
