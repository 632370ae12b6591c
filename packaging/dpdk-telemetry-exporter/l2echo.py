"""Counters of l2_multi_echo for dpdk-telemetry-exporter.py (DPDK 24.07 and later), which loads this file from
/usr/share/dpdk/telemetry-endpoints. l2_multi_echo's own --metrics has more: docs/operations.md."""

COUNTERS = {
    "received": "Frames handed over by the driver",
    "received_bytes": "Layer 2 bytes, without FCS, of the frames received",
    "echoed": "Frames swapped, and taken by the TX queue",
    "echoed_bytes": "Layer 2 bytes, without FCS, of the frames echoed",
    "answered": "Requests that became their reply, taken by the TX queue",
    "refused": "Frames that were not sent back on purpose",
    "dropped": "Echoes and answers that found the TX queue full",
    "missed": "Frames lost by the NIC before l2echo saw them",
    "no_mbuf": "Times that RX found the mempool empty",
    "rx_errors": "Frames received damaged",
    "tx_errors": "Frames refused by the NIC when sent",
    "link_changes": "Changes of the link since start",
}
GAUGES = {"link_up": "1 if the link is up"}


def name_of(counter):
    return f"port_{counter}_total"


def info():
    """Metric name -> description and type. The exporter prefixes dpdk_l2echo_."""
    return {**{name_of(counter): (text, "counter") for counter, text in COUNTERS.items()},
            **{f"port_{gauge}": (text, "gauge") for gauge, text in GAUGES.items()},
            "refused_by_reason_total": ("Frames that were not sent back on purpose, by reason", "counter"),
            "worker_busy_cycles_total": ("TSC cycles that the worker spent on frames", "counter"),
            "ready": ("1 if every worker runs and every link is up", "gauge")}


def metrics(sock):
    """(name, value, labels) of every metric. Counters of one name follow each other, as the format requires."""
    found = [("ready", sock.cmd("/l2echo/info")["ready"], {})]
    ports = {port: sock.cmd("/l2echo/ports", port) for port in sock.cmd("/l2echo/ports")}
    for names, to_metric in ((COUNTERS, name_of), (GAUGES, "port_{}".format)):
        for name in names:
            found += [(to_metric(name), counts[name], {"port": port, "name": counts["name"]})
                      for port, counts in ports.items()]
    found += [("refused_by_reason_total", count, {"reason": reason.replace("_", "-")})
              for reason, count in sock.cmd("/l2echo/refused").items()]
    found += [("worker_busy_cycles_total", sock.cmd("/l2echo/workers", lcore)["busy_cycles"], {"lcore": lcore})
              for lcore in sock.cmd("/l2echo/workers")]
    return found
