"""Plots percentiles of round trips from files in HdrHistogram's percentile format."""

import dataclasses
import pathlib

from plotting.gnuplot import COLOURS, Plot, quoted


@dataclasses.dataclass(frozen=True)
class RoundTrips:
    title: str
    path: pathlib.Path

    def count(self):
        """The third field of a row is the number of round trips up to its value."""
        rows = [line.split() for line in self.path.read_text(encoding="ascii").splitlines()]
        return max((int(row[2]) for row in rows if len(row) == 4 and row[2].isdigit()), default=0)


def percentile_tics(most):
    """Returns tics: 0 % at 1, 90 % at 10, 99 % at 100 and so on up to the count. gnuplot treats a label as a format."""
    tics = [("0 %%", 1), ("50 %%", 2), ("90 %%", 10), ("99 %%", 100)]
    at, nines = 1000, "9"
    while at <= most:
        tics.append((f"99.{nines} %%", at))
        at, nines = at * 10, nines + "9"
    return ", ".join(f"'{label}' {at}" for label, at in tics)


def plot_round_trips(name, titles, lines):
    """Plots one line for each of the RoundTrips. `titles` are the lines of the plot's title."""
    most = max(10, *(line.count() for line in lines))
    curves = ", \\\n  ".join(
        f"{quoted(line.path)} skip 2 using (x($2,$3)):($1/1e6) with steps linewidth {1.5 + 0.5 * number} "
        f"linecolor '{COLOURS[number % len(COLOURS)]}' title {quoted(line.title)}"
        for number, line in enumerate(lines))
    title = ' . "\\n" . '.join(map(quoted, titles))
    return Plot(name, 900, 520, f"""set title {title}
set logscale x 10
set logscale y 10
set xrange [1:{most}]
set xtics ({percentile_tics(most)})
set xlabel 'percentile of the frames' offset 0,0.4
set ylabel 'round trip'
set format y '%.0s %cs'
set grid xtics ytics linecolor '#dddddd'
set key below Left reverse
x(share, count) = share < 1 ? 1 / (1 - share) : count  # the largest value has no percentile
plot {curves}
""")
