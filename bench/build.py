"""A build folder: of this source tree, or of another commit, whose layout and options may differ."""

import functools
import pathlib
import re
import subprocess

from bench.comparison import NotMeasured

# A build uses the first of these spellings that its --help lists.
REPORT_IN_JSON = (("--format", "json"), ("--stats-format", "json"))
NO_LOOP_CHECK = (("--loop-check", "off"), ("--no-loop-check",))


class Build:
    def __init__(self, folder, name):
        self.folder = pathlib.Path(folder).resolve()
        self.name = name

    def program(self, name):
        """The program's path. Older commits have the benchmarks in tests/."""
        for path in (self.folder / name, self.folder / "tests" / name):
            if path.exists():
                return str(path)
        raise NotMeasured(f"{self.folder / name} is not built")

    def spelled(self, spellings):
        for words in spellings:
            if re.search(rf"(?<![\w-]){words[0]}(?![\w-])", self._help):
                return words
        raise NotMeasured(f"{self.name}: l2_multi_echo has no option {' or '.join(words[0] for words in spellings)}")

    @functools.cached_property
    def _help(self):
        done = subprocess.run((self.program("l2_multi_echo"), "--help"), capture_output=True, text=True, check=True,
                              timeout=60)
        return done.stdout
