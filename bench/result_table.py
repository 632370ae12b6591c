"""Renders the result as Markdown: pure functions of the JSON."""

from bench.cpu_mode import ANY, FAST_BELOW_NS


def quantity(value, unit):
    if unit == "frames/s":
        return f"{value / 1e6:.3g} M" if value >= 1e6 else f"{value / 1e3:.4g} k" if value >= 1e4 else f"{value:.4g}"
    if unit == "ns":
        return f"{value / 1000:.4g} us"
    if unit == "share":
        return f"{100 * value:.2g} %"
    return f"{value:.3g} {unit}".strip() if value < 1000 else f"{value:.0f} {unit}".strip()


def row(cells):
    return "| " + " | ".join(str(cell).replace("|", "/") for cell in cells) + " |"


def table(titles, rows):
    return [row(titles), row(["---"] * len(titles)), *map(row, rows)]


HEADINGS = ("comparison", "measure", "ours", "peer", "median of ours", "median of peer", "ratio ours / peer",
            "quartiles", "range", "pairs", "mode", "")


def by_key(items):
    return {item["key"]: item for item in items}


def ratio_row(comparison, ratio):
    contenders, metric = by_key(comparison["contenders"]), by_key(comparison["metrics"])[ratio["metric"]]
    medians = [quantity(ratio[side], metric["unit"]) for side in ("ours_median", "peer_median")]
    measure = metric["title"] + ("" if metric["more_is_better"] else " (less is better)")
    return [comparison["title"], measure, contenders[ratio["ours"]]["title"], contenders[ratio["peer"]]["title"],
            *medians, f"**{ratio['median']:.3f}**", f"{ratio['lower_quartile']:.3f} to {ratio['upper_quartile']:.3f}",
            f"{ratio['min']:.3f} to {ratio['max']:.3f}", ratio["count"], ratio["mode"], ratio["verdict"]]


def gap_rows(comparison):
    """Contenders without results, with the reason."""
    for contender in comparison["contenders"]:
        if contender["outcome"] != "measured":
            yield [comparison["title"], f"{contender['outcome']}: {contender['reason']}", contender["title"],
                   *[""] * (len(HEADINGS) - 3)]


def repeated_runs(comparisons):
    for comparison in comparisons:
        for contender in comparison["contenders"]:
            more = sum(run.get("attempt", 1) - 1 for run in contender["warm_up"] + contender["runs"])
            if more:
                yield f"{comparison['title']}, {contender['title']} {more} times"


def left_out_pairs(comparisons):
    for comparison in comparisons:
        titles = {contender["key"]: contender["title"] for contender in comparison["contenders"]}
        for pair in comparison["left_out"]:
            yield f"{comparison['title']}, {titles[pair['ours']]} / {titles[pair['peer']]}: {pair['count']}"


def value_rows(comparison):
    for contender in comparison["contenders"]:
        for mode, medians in contender["medians_by_mode"].items():
            for metric in comparison["metrics"]:
                spread = medians.get(metric["key"])
                if spread:
                    yield [comparison["title"], contender["title"], metric["title"], mode, spread["count"],
                           *(quantity(spread[key], metric["unit"]) for key in ("median", "min", "max"))]


def against(result):
    return f" (`this`) against {result['against']}" if result["against"] else ""


def heading(result):
    machine = result["environment"]
    facts = [machine["system"], f"kernel {machine['kernel']}", f"DPDK {machine['dpdk']}",
             f"{machine['cpus']} CPUs ({machine['cpu']})", f"L2 {machine['l2_cache']}", f"L3 {machine['l3_cache']}",
             f"hypervisor {machine['hypervisor'] or 'none'}", f"governor {machine['governor']}",
             f"isolated CPUs {machine['isolated_cpus']}", "as root" if machine["root"] else "not as root",
             f"pages of {' and '.join(machine['pages']) or 'no own memory'}",
             f"load {result['load_before']:.1f} before the run"]
    return [
        "# Benchmarks", "",
        f"{result['date']}, commit {result['commit']}{against(result)}, `{result['command']}`. "
        + ", ".join(map(str, facts)) + ".", "",
        f"- Contenders alternate (A B A B ...): {result['pairs']} pairs after an uncounted warm-up. A ratio is the "
        "median of the ratios of all pairs. `ahead` and `behind`: the middle half of the pairs is on one side of 1; "
        "`level`: it is not.",
        "- In net_null, net_pcap, sweep-burst and sweep-cache, all contenders run at the same time on one CPU instead. "
        "The kernel switches between them every few milliseconds, so a slow phase of the CPU affects all of them. They "
        "are restarted for each turn.",
        "- Rates are the driver's count of sent frames, read from outside; in memif, veth and vhost_user, they are the "
        "frames that returned to the probe. Per CPU second: relative to the CPU time that the workers got, which is "
        "more reliable on a busy machine. Round trips are those of returned frames; each contender shows its "
        "share of lost frames.",
        "- Mode: in a virtual machine, the distance between the two CPUs changes within minutes. Before and after each "
        f"run, a cache line is sent from one to the other and back: below {FAST_BELOW_NS} ns the mode is `fast`, else "
        "`slow`. If frames pass between the CPUs, only runs of the same mode are compared; otherwise the mode does not "
        "matter (`any`).",
        "- At full speed, the probe is the bottleneck as often as the echo; the busy cycles per frame are the echo's "
        "own.",
        "- Sizes include the 4 bytes of FCS. DPDK programs use the same vdev, cores, burst, descriptors, mbufs and "
        "cache on both sides. The command lines and all single runs are in bench.json.",
        "- These are results of one machine and one hour: the ratios are meaningful; absolute figures from a virtual "
        "machine are not.", "",
    ]


def markdown(result):
    lines = heading(result)
    for group in dict.fromkeys(comparison["group"] for comparison in result["comparisons"]):
        members = [comparison for comparison in result["comparisons"] if comparison["group"] == group]
        rows = [ratio_row(comparison, ratio) for comparison in members for ratio in comparison["ratios"]]
        rows += [cells for comparison in members for cells in gap_rows(comparison)]
        lines += [f"## {group}", "", *table(HEADINGS, rows), ""]
        if repeated := list(repeated_runs(members)):
            lines += ["Repeated because memif's driver crashed when the probe exited: " + ", ".join(repeated) + ".", ""]
        if left_out := list(left_out_pairs(members)):
            lines += ["Pairs left out because their runs had different modes: " + "; ".join(left_out) + ".", ""]
    if values := [cells for comparison in result["comparisons"] for cells in value_rows(comparison)]:
        lines += ["## Each contender", "",
                  *table(("comparison", "contender", "measure", "mode", "runs", "median", "min", "max"), values), ""]
    return "\n".join(lines)


def in_mode(ratio):
    return "" if ratio["mode"] == ANY else f" ({ratio['mode']})"


def plain(result):
    """For a terminal: one line per pair."""
    lines = []
    for comparison in result["comparisons"]:
        lines.append(comparison["title"])
        titles = {contender["key"]: contender["title"] for contender in comparison["contenders"]}
        metrics = by_key(comparison["metrics"])
        for pair in dict.fromkeys((ratio["ours"], ratio["peer"]) for ratio in comparison["ratios"]):
            found = [f"{metrics[ratio['metric']]['title']}{in_mode(ratio)} {ratio['median']:.3f} "
                     f"({ratio['lower_quartile']:.3f} to {ratio['upper_quartile']:.3f}) {ratio['verdict']}"
                     for ratio in comparison["ratios"] if (ratio["ours"], ratio["peer"]) == pair]
            lines.append(f"  {titles[pair[0]]} / {titles[pair[1]]}: " + "; ".join(found))
        for cells in gap_rows(comparison):
            lines.append(f"  {cells[2]}: {cells[1]}")
        lines += [f"  left out, different modes: {text}" for text in left_out_pairs([comparison])]
    return "\n".join(lines)
