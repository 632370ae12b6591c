"""Plots as gnuplot scripts, and gnuplot itself."""

import dataclasses
import shutil
import subprocess

# Okabe and Ito's colours, which people with any colour vision can tell apart.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7", "#000000")
SECONDS = 60


class PlotError(Exception):
    """The text says what failed."""


class NoGnuplot(PlotError):
    """It is not installed."""


@dataclasses.dataclass(frozen=True)
class Plot:
    name: str
    width: int
    height: int
    script: str

    @property
    def image(self):
        return self.name + ".svg"


def quoted(text):
    """A gnuplot string. Between single quotes gnuplot substitutes nothing."""
    return "'" + "".join(letter for letter in str(text) if letter >= " ").replace("'", "''") + "'"


def label(text):
    """A string in a row of data, where gnuplot knows no other quotes and no escapes."""
    return '"' + str(text).replace('"', "'") + '"'


def data_block(name, rows):
    """Data within the script, to be plotted as $name."""
    return f"${name} << END\n" + "".join(" ".join(map(str, row)) + "\n" for row in rows) + "END\n"


def complete_script(plot):
    return f"""reset session
set encoding utf8
set terminal svg size {plot.width},{plot.height} noenhanced font 'sans-serif,14' background '#ffffff'
set output {quoted(plot.image)}
set border 3 linecolor '#444444'
set tics nomirror textcolor '#222222'
{plot.script}
unset output
"""


def draw(folder, plots):
    """Writes the images to the folder, where the scripts also find their data files; returns the paths."""
    if not plots:
        return []
    if not shutil.which("gnuplot"):
        raise NoGnuplot("gnuplot is not installed")
    done = subprocess.run(["gnuplot"], input="".join(map(complete_script, plots)), cwd=folder, text=True, check=False,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=SECONDS)
    if done.returncode != 0:
        said = " ".join(done.stderr.split())
        raise PlotError(f"gnuplot failed with status {done.returncode}" + (f": {said}" if said else ""))
    return [folder / plot.image for plot in plots]
