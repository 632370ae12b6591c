"""The result as SVG, drawn by gnuplot."""

import pathlib
import shutil
import subprocess

STYLE = "set terminal svg size {width},{height} font 'sans,11' background 'white'\nset output '{output}'\n"


def quoted(text):
    return '"' + str(text).replace("\\", "\\\\").replace('"', "'").replace("_", "\\\\_") + '"'


def draw(folder, name, width, height, script):
    """A failure shows what gnuplot said."""
    output = pathlib.Path(folder, name + ".svg")
    done = subprocess.run(["gnuplot"], input=STYLE.format(width=width, height=height, output=output) + script,
                          capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, f"gnuplot: {done.stderr.strip()}"
    return output


def ratio_bars(folder, group, comparisons):
    """Bars of the median ratios, so drawn that more than 1 is better for ours; lines show the quartiles."""
    bars = []
    for comparison in comparisons:
        better = {metric["key"]: metric["more_is_better"] for metric in comparison["metrics"]}
        titles = {contender["key"]: contender["title"] for contender in comparison["contenders"]}
        metric_titles = {metric["key"]: metric["title"] for metric in comparison["metrics"]}
        for ratio in comparison["ratios"]:
            values = [ratio[key] for key in ("median", "lower_quartile", "upper_quartile")]
            if not better[ratio["metric"]]:
                values = [1 / values[0], 1 / values[2], 1 / values[1]]
            label = f"{comparison['title']}: {titles[ratio['ours']]} / {titles[ratio['peer']]}, " \
                    f"{metric_titles[ratio['metric']]}"
            bars.append((label, *values))
    if not bars:
        return None
    data = "\n".join(f"{len(bars) - number} {quoted(label)} {median} {low} {high}"
                     for number, (label, median, low, high) in enumerate(bars))
    most = max(bar[3] for bar in bars)
    script = f"""$bars << END
{data}
END
set title {quoted(group + ': ratio ours / peer')}
set xlabel 'median of the pairs and quartiles; right of 1 is better'
set style fill solid 0.6
set xrange [0:{1.1 * max(most, 1)}]
set yrange [0.3:{len(bars) + 0.7}]
set lmargin {0.9 * max(len(bar[0]) for bar in bars):.0f}
set grid xtics
set arrow from 1, graph 0 to 1, graph 1 nohead lw 2 lc rgb '#444444' front
unset key
plot $bars using ($3/2):1:($3/2):(0.35):ytic(2) with boxxyerror lc rgb '#4477aa', \
     $bars using 3:1:4:5 with xerrorbars lw 2 pt 7 ps 0.4 lc rgb '#aa3333'
"""
    return draw(folder, group + "-ratios", 500 + 7 * max(len(bar[0]) for bar in bars), 140 + 34 * len(bars), script)


def curves(folder, name, title, labels, series, *, log=False):
    """series: (title, [(x, y), ...])."""
    blocks = "".join(f"$s{number} << END\n" + "\n".join(f"{x} {y}" for x, y in points) + "\nEND\n"
                     for number, (_, points) in enumerate(series))
    plots = ", ".join(f"$s{number} using 1:2 with linespoints lw 2 pt 7 ps 0.4 title {quoted(label)}"
                      for number, (label, _) in enumerate(series))
    scales = "set logscale xy\nset format x '10^{%L}'\n" if log else "set yrange [0:*]\nset xtics 1\n"
    script = f"""{blocks}set title {quoted(title)}
set xlabel {quoted(labels[0])}
set ylabel {quoted(labels[1])}
set key left top
set grid
{scales}plot {plots}
"""
    return draw(folder, name, 900, 520, script)


def percentile_points(path):
    """1 / (1 - percentile) and microseconds, out of a histogram in HdrHistogram's percentile format."""
    points = []
    for line in pathlib.Path(path).read_text(encoding="ascii").splitlines():
        fields = line.split()
        if len(fields) == 4 and fields[0][0].isdigit() and fields[3] != "inf":
            points.append((float(fields[3]), float(fields[0])))
    return points


def plot(folder, result):
    """All plots that the result has data for; their paths."""
    if not shutil.which("gnuplot"):
        return []
    paths = []
    for group in dict.fromkeys(comparison["group"] for comparison in result["comparisons"]):
        members = [comparison for comparison in result["comparisons"] if comparison["group"] == group]
        paths.append(ratio_bars(folder, group, members))
    paths += [scaling_curve(folder, comparison) for comparison in result["comparisons"]
              if comparison["group"] == "workers"]
    paths += [latency_curve(folder, comparison) for comparison in result["comparisons"]
              if any("histogram" in contender for contender in comparison["contenders"])]
    return [path for path in paths if path]


def scaling_curve(folder, comparison):
    """Median rate at each number of workers."""
    series = []
    for contender in comparison["contenders"]:
        points = [(int(key.split("_")[1]), spread["median"] / 1e6)
                  for key, spread in contender["medians"].items() if key.startswith("workers_")]
        if points:
            series.append((contender["title"], points))
    return curves(folder, "scaling", comparison["title"], ("workers", "million frames/s"), series) if series else None


def latency_curve(folder, comparison):
    series = [(contender["title"], percentile_points(pathlib.Path(folder, contender["histogram"])))
              for contender in comparison["contenders"] if "histogram" in contender]
    series = [(title, points) for title, points in series if points]
    return curves(folder, comparison["key"] + "-latency", comparison["title"] + ", last run",
                  ("1 / (1 - percentile)", "round trip, us"), series, log=True) if series else None
