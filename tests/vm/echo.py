"""Steps with l2_multi_echo that all NIC tests share."""

COMMAND = "./build/l2_multi_echo -l 0-3 -n 4"
JSON = "--format json --stats-interval 500ms"
WORKERS = 3


def ended(program):
    """Stops the program and returns its final report."""
    assert program.stop() == 0
    return program.final()


def queues(report):
    """Queue, lcore and received frames of each queue of the first port."""
    return [(queue["queue"], queue["lcore"], queue["received"]) for queue in report["ports"][0]["queues"]]


def exchange(wire, frames, **settings):
    """Checks that every frame returns swapped and otherwise unchanged."""
    with wire.peer() as peer:
        result = peer.exchange(frames, **settings)
    assert result.is_clean(), result
