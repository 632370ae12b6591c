"""The plots of a sweep (l2_probe --sweep): throughput and round trips by frame size."""

from plotting.gnuplot import COLOURS, Plot, data_block, label, quoted
from plotting.round_trips import RoundTrips, plot_round_trips
from whole_file import replace_text

SCHEMA = "l2echo.sweep/1"
GOALS = ("pdr", "ndr")
# A link limit so many times above the bars is not drawn, because the bars would be flat.
FAR_ABOVE = 3
MISSING = "NaN"


def subtitle(result):
    environment = result["environment"]
    link = f", link {result['link_mbps'] / 1e3:g} Gbit/s" if result["link_mbps"] else ""
    return f"{environment.get('port', 'unknown')}{link}; {environment.get('version', 'unknown')}; {result['started']}"


def goals_of(result):
    return [goal for goal in GOALS if goal in result["sizes"][0]]


def lower_bound(size, goal, unit):
    bound = size[goal]["lower"]
    return bound[unit] if bound else 0


def throughput_rows(result):
    """Returns a row for each size: Gbit/s and Mframes/s for each goal, then for the link."""
    for size in result["sizes"]:
        row = [label(size["size"])]
        for goal in goals_of(result):
            row += [lower_bound(size, goal, "bits_per_second_l1") / 1e9,
                    lower_bound(size, goal, "frames_per_second") / 1e6]
        link_frames = size["link_frames_per_second"]
        row += [result["link_mbps"] / 1e3, link_frames / 1e6] if link_frames else [MISSING, MISSING]
        yield row


def panel(result, rows, column, unit, with_link):
    """Plots one of two panels: `column` has the values of the first goal, counted from 0."""
    goals = goals_of(result)
    link_column = column + 2 * len(goals)
    top = max(row[at] for row in rows for at in range(column, link_column, 2))
    limit = max(row[link_column] for row in rows) if with_link else 0
    end = 1.1 * min(max(limit, top), FAR_ABOVE * top) or 1
    bars = [f"$data using {column + 2 * number + 1}:xtic(1) title {quoted(goal.upper())} linecolor '{COLOURS[number]}'"
            for number, goal in enumerate(goals)]
    if with_link:
        bars.append(f"$data using 0:{link_column + 1}:(0.45) with xerrorbars title 'link limit' "
                    "linecolor '#000000' linewidth 2 pointtype 0")
    return f"set ylabel {quoted(unit)}\nset yrange [0:{end:g}]\nplot " + ", \\\n  ".join(bars) + "\n"


def plot_throughput(result):
    rows = list(throughput_rows(result))
    best = max(lower_bound(size, goal, "bits_per_second_l1") for size in result["sizes"] for goal in goals_of(result))
    link = result["link_mbps"]
    with_link = link is not None and link * 1e6 < FAR_ABOVE * best
    return Plot("throughput", 900, 760, f"""{data_block('data', rows)}set style data histogram
set style histogram clustered gap 1
set style fill solid noborder
set grid ytics linecolor '#dddddd'
set xrange [-0.6:{len(rows) - 0.4:.1f}]
set xtics scale 0
set lmargin 10
set key outside top center horizontal Left reverse
set multiplot layout 2,1 title 'Throughput by frame size' . "\\n" . {quoted(subtitle(result))}
unset xlabel
{panel(result, rows, 1, 'Gbit/s, layer 1', with_link)}unset key
set xlabel 'frame size with FCS, bytes'
{panel(result, rows, 2, 'Mframes/s', with_link)}unset multiplot
""")


def scaled(frames_per_second):
    for factor, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if frames_per_second >= factor:
            return f"{frames_per_second / factor:.3g} {prefix}frames/s"
    return f"{frames_per_second:.3g} frames/s"


def round_trip_plots(folder, result):
    for size in result["sizes"]:
        lines = [RoundTrips(f"{load['load']} ({scaled(load['frames_per_second'])})", folder / load["histogram"])
                 for load in size["round_trips"] if load["histogram"]]
        if lines:
            unit = "" if size["size"] == "imix" else "-byte frames"
            yield plot_round_trips(f"round_trip_{size['size']}",
                                   (f"Round trip, {size['size']}{unit}", subtitle(result)), lines)


def plots(folder, result):
    """Returns all plots for which the result has data."""
    return [plot_throughput(result), *round_trip_plots(folder, result)] if result["sizes"] else []


def show_in_tables(folder, images):
    """Shows the images below the tables, once."""
    path = folder / "sweep.md"
    text = path.read_text(encoding="utf-8")
    lines = [f"![{image}]({image})" for image in images]
    replace_text(path, text + "".join(f"\n{line}\n" for line in lines if line not in text))
