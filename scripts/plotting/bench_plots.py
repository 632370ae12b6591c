"""The plots of a benchmark (scripts/bench): ratios, scaling, and round trips."""

from plotting.gnuplot import COLOURS, Plot, data_block, label, quoted
from plotting.round_trips import RoundTrips, plot_round_trips

SCHEMA = "l2echo.bench/1"


def bar(comparison, ratio):
    """Returns label, median and quartiles, where more than 1 means that l2echo is better."""
    metric = next(metric for metric in comparison["metrics"] if metric["key"] == ratio["metric"])
    titles = {contender["key"]: contender["title"] for contender in comparison["contenders"]}
    values = [ratio[key] for key in ("median", "lower_quartile", "upper_quartile")]
    if not metric["more_is_better"]:
        values = [1 / values[0], 1 / values[2], 1 / values[1]]
    words = f"{comparison['title']}: {titles[ratio['ours']]} / {titles[ratio['peer']]}, {metric['title']}"
    if ratio["mode"] != "any":
        words += f" ({ratio['mode']})"
    return words, *values


def plot_ratios(group, comparisons):
    bars = [bar(comparison, ratio) for comparison in comparisons for ratio in comparison["ratios"]]
    if not bars:
        return None
    rows = [(len(bars) - number, label(words), *values) for number, (words, *values) in enumerate(bars)]
    most = max(high for *_, high in bars)
    widest = max(len(words) for words, *_ in bars)
    return Plot(group + "-ratios", 500 + 7 * widest, 140 + 34 * len(bars), f"""{data_block('bars', rows)}
set title {quoted(group + ': ratio ours / peer')}
set xlabel 'median of the pairs and quartiles; right of 1 is better'
set style fill solid 0.6
set xrange [0:{1.1 * max(most, 1)}]
set yrange [0.3:{len(bars) + 0.7}]
set lmargin {0.9 * widest:.0f}
set grid xtics
set arrow from 1, graph 0 to 1, graph 1 nohead linewidth 2 linecolor '#444444' front
unset key
plot $bars using ($3/2):1:($3/2):(0.35):ytic(2) with boxxyerror linecolor '{COLOURS[0]}', \\
  $bars using 3:1:4:5 with xerrorbars linewidth 2 pointtype 7 pointsize 0.4 linecolor '{COLOURS[3]}'
""")


def plot_scaling(comparison):
    """Plots the median rate by number of workers."""
    series = {contender["title"]: [(key.split("_")[1], spread["median"] / 1e6)
                                   for key, spread in contender["medians"].items() if key.startswith("workers_")]
              for contender in comparison["contenders"]}
    series = {title: points for title, points in series.items() if points}
    if not series:
        return None
    blocks = "".join(data_block(f"s{number}", points) for number, points in enumerate(series.values()))
    curves = ", ".join(f"$s{number} using 1:2 with linespoints linewidth 2 pointtype 7 "
                       f"linecolor '{COLOURS[number % len(COLOURS)]}' title {quoted(title)}"
                       for number, title in enumerate(series))
    return Plot("scaling", 900, 520, f"""{blocks}set title {quoted(comparison['title'])}
set xlabel 'workers'
set ylabel 'million frames/s'
set key left top
set grid
set yrange [0:*]
set xtics 1
plot {curves}
""")


def plot_latency(folder, comparison):
    lines = [RoundTrips(contender["title"], folder / contender["histogram"])
             for contender in comparison["contenders"] if "histogram" in contender]
    lines = [line for line in lines if line.count() > 0]
    return plot_round_trips(comparison["key"] + "-latency", (comparison["title"] + ", last run",), lines) \
        if lines else None


def plots(folder, result):
    """Returns all plots for which the result has data."""
    comparisons = result["comparisons"]
    found = [plot_ratios(group, [comparison for comparison in comparisons if comparison["group"] == group])
             for group in dict.fromkeys(comparison["group"] for comparison in comparisons)]
    found += [plot_scaling(comparison) for comparison in comparisons if comparison["group"] == "workers"]
    found += [plot_latency(folder, comparison) for comparison in comparisons]
    return [plot for plot in found if plot]
