"""Renders the comparison as Markdown: pure functions of the results."""


def count(number):
    return f"{number:,}".replace(",", " ")


def microseconds(nanoseconds):
    value = nanoseconds / 1000
    return f"{value:.1f}" if value < 1000 else count(round(value))


def dropped_by_link(run):
    """Frames that the impairment dropped by its own count; None on a link without impairment."""
    if "wire" in run:
        return sum(direction["lost"] for direction in run["wire"]["directions"])
    if "netem_drops" in run:
        return sum(run["netem_drops"])
    return None


def lost(run):
    """Includes the warm-up, because the link's count does too."""
    return run["probe"]["lost"] + run["probe"]["warm_up"]["lost"]


def loss(run):
    dropped = dropped_by_link(run)
    return count(run["probe"]["lost"]) if dropped is None else f"{count(lost(run))} / {count(dropped)}"


def hold_times(run):
    return ", ".join(" / ".join(microseconds(direction["hold_time_ns"][key]) for key in ("p50", "p99"))
                     for direction in run["wire"]["directions"])


def round_trip(run):
    times = run["probe"]["round_trip_ns"]
    if times["count"] == 0:
        return "no frames returned"
    return " / ".join(microseconds(times[key]) for key in ("p50", "p99", "p99_9"))


def bandwidth(run):
    rate = run["probe"]["rate"]
    return (f"{count(round(rate['returned_per_second']))} / "
            f"{rate['returned_bits_per_second_l1'] / 1e9:.2f}")


MEASURES = (
    ("sent / returned", lambda run: f"{count(run['probe']['sent'])} / {count(run['probe']['returned'])}"),
    ("lost", loss),
    ("duplicated / corrupted", lambda run: f"{run['probe']['duplicated']} / {run['probe']['corrupted']}"),
    ("round trip p50 / p99 / p99.9, us", round_trip),
    ("returned frames/s / Gbit/s", bandwidth),
)


LOSS_OF_LINK = "lost, warm-up included / dropped by {}"
HOLD_TIMES = ("hold time of the wire p50 / p99, to the echo, back, us", hold_times)


def cell(run, measure):
    return measure(run) if run["outcome"] == "measured" else f"{run['outcome']}: {run['reason']}".replace("|", "/")


def row(cells):
    return "| " + " | ".join(cells) + " |"


def link_table(link, columns):
    """columns: the titles, in the order of the runs of each group."""
    lines = [f"### {link['title']}", "", row(["frames", "", *columns]), row(["---"] * (len(columns) + 2))]
    if not any(run["outcome"] == "measured" for group in link["groups"] for run in group["runs"]):
        return lines + [row(["all", "", *(cell(run, None) for run in link["groups"][0]["runs"])])]
    measures = (*MEASURES, HOLD_TIMES) if link["key"] == "wire" else MEASURES
    for group in link["groups"]:
        for number, (name, measure) in enumerate(measures):
            if measure is loss and link["key"] != "plain":
                name = LOSS_OF_LINK.format(link["key"])
            label = f"{count(group['frames'])} at {group['rate']}" if number == 0 else ""
            lines.append(row([label, name, *(cell(run, measure) for run in group["runs"])]))
    return lines


def heading(comparison):
    machine = comparison["machine"]
    return [
        "## Comparison of paths", "",
        f"{comparison['date']}, `{comparison['command']}`, {machine['version']}, kernel {machine['kernel']}, "
        f"{machine['cpus']} CPUs ({machine['cpu']}), load {machine['load']:.1f} before the run.", "",
        f"- Frames have {comparison['sizes']} bytes at random, FCS included; bits per second are those of layer 1. "
        "At a rate, round trips count from the planned send time; at `max`, from the actual send time, because the "
        "queues are full.",
        "- The probe's own port is part of every path: af_packet on the other end of the veth, or a memif for memif. "
        "Only memif bypasses the kernel.",
        f"- CPUs: echo {machine['places']['echo']}, probe {machine['places']['probe']}, impairing_wire "
        f"{machine['places']['wire']}. l2_multi_echo polls continuously; the socket echo sleeps until a frame arrives.",
        f"- {count(comparison['warm_up_frames'])} warm-up frames precede each run. They count only in the loss over an "
        "impaired link.",
        "- These are results of one machine and one hour: compare the columns, not other machines.", "",
    ]


def markdown(comparison):
    lines = heading(comparison)
    for link in comparison["links"]:
        lines += link_table(link, comparison["columns"]) + [""]
    return "\n".join(lines)
