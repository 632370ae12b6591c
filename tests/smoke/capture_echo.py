"""Compares what l2_multi_echo does with a capture to the model of the wire rules."""

from wire_rules_model import Rules, echo_all


def assert_follows_rules(echo_capture, frames, *options, **rules):
    """Echoes the frames with the options, compares the result with the model under the same rules, and returns the
    totals."""
    frames = [bytes(frame) for frame in frames]
    echoed, refused_by = echo_all(frames, Rules(**rules))
    out, final = echo_capture(frames, *options)
    totals = final["totals"]
    assert totals["refused_by"] == refused_by
    assert len(out) == len(echoed)
    for index, (frame, expected) in enumerate(zip(out, echoed)):
        assert frame == expected, f"echoed frame {index}"
    assert totals["received_bytes"] == sum(map(len, frames))
    assert totals["echoed_bytes"] == sum(map(len, echoed))
    return totals
