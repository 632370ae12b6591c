"""What every test of a guest's NIC does with l2_multi_echo."""

COMMAND = "./build/l2_multi_echo -l 0-3 -n 4"
JSON = "--format json --stats-interval 500ms"
WORKERS = 3


def ended(program):
    """The final report of a program after a request to stop."""
    assert program.stop() == 0
    return program.final()


def queues(report):
    """Of the first port: queue, lcore and frames received."""
    return [(queue["queue"], queue["lcore"], queue["received"]) for queue in report["ports"][0]["queues"]]


def exchange(wire, frames, **settings):
    """Every frame must come back swapped, the rest of it as it was."""
    with wire.peer() as peer:
        result = peer.exchange(frames, **settings)
    assert result.is_clean(), result
