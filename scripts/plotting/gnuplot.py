"""Writes plots as gnuplot scripts and runs gnuplot."""

import dataclasses
import shutil
import subprocess

from whole_file import temporary_folder_beside

# Okabe and Ito's colours, which are distinguishable with any colour vision.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7", "#000000")
SECONDS = 60


class PlotError(Exception):
    """The text says what failed."""


class NoGnuplot(PlotError):
    """gnuplot is not installed."""


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
    """Returns a gnuplot string. gnuplot substitutes nothing between single quotes."""
    return "'" + "".join(letter for letter in str(text) if letter >= " ").replace("'", "''") + "'"


def label(text):
    """Returns a string for a row of data, where gnuplot knows no other quotes and no escapes."""
    return '"' + str(text).replace('"', "'") + '"'


def data_block(name, rows):
    """Returns data within the script, to be plotted as $name."""
    return f"${name} << END\n" + "".join(" ".join(map(str, row)) + "\n" for row in rows) + "END\n"


def complete_script(plot, folder):
    return f"""reset session
set encoding utf8
set terminal svg size {plot.width},{plot.height} noenhanced font 'sans-serif,14' background '#ffffff'
set output {quoted(folder / plot.image)}
set border 3 linecolor '#444444'
set tics nomirror textcolor '#222222'
{plot.script}
unset output
"""


def is_whole(image):
    """Says whether the image is complete: gnuplot's exit status does not report a full disk."""
    return image.exists() and image.read_text(encoding="utf-8", errors="replace").rstrip().endswith("</svg>")


def draw(folder, plots):
    """Writes the images to the folder, where the scripts also find their data files, and returns the paths."""
    if not plots:
        return []
    if not shutil.which("gnuplot"):
        raise NoGnuplot("gnuplot is not installed")
    images = [folder / plot.image for plot in plots]
    with temporary_folder_beside(images[0].resolve()) as new:
        script = "".join(complete_script(plot, new) for plot in plots)
        done = subprocess.run(["gnuplot"], input=script, cwd=folder, text=True, check=False,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=SECONDS)
        if done.returncode != 0:
            said = " ".join(done.stderr.split())
            raise PlotError(f"gnuplot failed with status {done.returncode}" + (f": {said}" if said else ""))
        for image in images:
            if not is_whole(new / image.name):
                raise PlotError(f"gnuplot left {image} incomplete; is the disk full?")
        for image in images:
            (new / image.name).replace(image)
    return images
