"""A real kernel at the other end of a tap: each frame returns once, swapped, and nothing else is sent."""

import signal
import time

import pytest

import captures
from tests.harness.kernel_interfaces import ip
from tests.harness.kernel_peer import PEER_MAC, TPID_8021AD, TPID_8021Q, KernelPeer, swapped
from tests.harness.program_under_test import FAILURE, assert_balanced, assert_fails, one_worker, wait_until

TAP = "dtap0"
QUIET_SECONDS = 1.5


@pytest.fixture
def tap_echo(start_echo):
    """l2_multi_echo with two workers on a kernel tap named dtap0."""
    return start_echo("net_tap0", "--stats-interval", "100ms").wait_until_ready()


def assert_all_came_back(result, frames):
    assert result.is_clean() and result.returned == frames, result


def test_flows_spread_over_queues_and_return(tap_echo):
    with KernelPeer(TAP) as peer:
        assert_all_came_back(peer.exchange(20000, flows=64), 20000)
    final = tap_echo.stop()
    assert_balanced(final)
    assert final["totals"]["received"] == final["totals"]["echoed"] == 20000
    assert all(worker["received"] > 0 for worker in final["workers"])
    assert [queue["lcore"] for queue in final["ports"][0]["queues"]] == [1, 2]
    assert sum(queue["share"] for queue in final["ports"][0]["queues"]) == pytest.approx(1.0)


@pytest.mark.parametrize("outer_tag", [TPID_8021AD, TPID_8021Q], ids=hex)
def test_vlan_tags_return_unchanged(tap_echo, outer_tag):
    with KernelPeer(TAP) as peer:
        assert_all_came_back(peer.exchange(3000, vlan=True, outer_tag=outer_tag, sizes=(60, 333, 1510, 1514)), 3000)
    assert_balanced(tap_echo.stop())


def test_single_frames_are_not_held_back(tap_echo):
    with KernelPeer(TAP) as peer:
        assert_all_came_back(peer.exchange(500, window=1), 500)


def test_destination_mac_is_that_of_the_interface(tap_echo):
    report = tap_echo.wait_for_report(lambda _: True, "report")
    with KernelPeer(TAP) as peer:
        assert report["ports"][0]["mac"] == peer.destination.hex(":")
        assert_all_came_back(peer.exchange(100), 100)


def test_frames_to_other_stations_return_too(tap_echo):
    with KernelPeer(TAP, destination=bytes.fromhex("0a0b0c0d0e0f")) as peer:
        assert_all_came_back(peer.exchange(1000), 1000)


def test_frames_from_the_ports_own_mac_return_on_a_tap(tap_echo):
    """The kernel's end has the same MAC, so the loop rule is off there, and start-up reports it."""
    mac = bytes.fromhex(tap_echo.wait_for_report(lambda _: True, "report")["ports"][0]["mac"].replace(":", ""))
    with KernelPeer(TAP, source=mac, destination=bytes.fromhex("0a0b0c0d0e0f")) as peer:
        assert_all_came_back(peer.exchange(100), 100)
    tap_echo.wait_for_line(r"L2ECHO: .*loop")


def test_refused_frames_do_not_return(tap_echo):
    refused = [bytes(frame) for frame in captures.reserved_and_control_frames() if len(frame) >= 14]
    refused = [frame for frame in refused if frame[0] & 1]  # group destinations, which are refused for either reason
    with KernelPeer(TAP) as peer:
        assert all(peer.send(frame) for frame in refused)
        assert_all_came_back(peer.exchange(100), 100)
        assert peer.receive(0.2) is None
    final = tap_echo.stop()
    assert_balanced(final)
    assert (final["totals"]["refused"], final["totals"]["echoed"]) == (len(refused), 100)


def test_only_loop_checks_are_sent_without_a_received_frame(tap_echo):
    with KernelPeer(TAP) as peer:
        deadline = time.monotonic() + QUIET_SECONDS
        frames = []
        while (left := deadline - time.monotonic()) > 0:
            frames.append(peer.receive(left))
        frames = [frame for frame in frames if frame is not None]
    assert 1 <= len(frames) <= QUIET_SECONDS + 1 and all(map(captures.is_loop_check, frames)), frames
    report = tap_echo.wait_for_report(lambda report: report["hints"], "hint that nothing arrives")
    assert report["ports"][0]["mac"] in report["hints"][0]
    final = tap_echo.stop()
    assert (final["totals"]["received"], final["totals"]["echoed"]) == (0, 0)


def test_tcpdump_sees_each_frame_return_once_and_swapped(tap_echo, start, tmp_path):
    frames = 400
    capture = tmp_path / "wire.pcap"
    tcpdump = start("tcpdump", "-i", TAP, "-w", str(capture), "-U", "-B", "8192", "-s", "2048",
                    "-Z", "root")
    tcpdump.wait_for_line("listening on")
    with KernelPeer(TAP) as peer:
        assert_all_came_back(peer.exchange(frames, vlan=True, window=16), frames)
    wait_until(lambda: len(captures.read_capture(capture)) >= 2 * frames, "frames in the capture")
    tcpdump.send_signal(signal.SIGINT)
    assert tcpdump.wait(5) == 0
    seen = captures.read_capture(capture)
    sent = [frame for frame in seen if frame[6:12] == PEER_MAC]
    others = [frame for frame in seen if frame[6:12] != PEER_MAC]
    assert len(sent) == frames
    assert sorted(others) == sorted(map(swapped, sent))


def test_link_changes_of_the_kernels_end_are_reported(tap_echo):
    def wait_for_link(up, changes):
        tap_echo.wait_for_report(lambda report: report["ports"][0]["link"]["up"] is up
                                 and report["ports"][0]["link"]["changes"] >= changes, f"link up={up}")

    wait_for_link(True, 0)
    ip("link", "set", TAP, "down")
    wait_for_link(False, 1)
    ip("link", "set", TAP, "up")
    wait_for_link(True, 2)
    with KernelPeer(TAP) as peer:
        assert_all_came_back(peer.exchange(500), 500)
    assert_balanced(tap_echo.stop())


def test_single_lcore_echoes(start_echo):
    process = start_echo("net_tap0", lcores=one_worker()).wait_until_ready()
    with KernelPeer(TAP) as peer:
        assert_all_came_back(peer.exchange(5000), 5000)
    final = process.stop()
    assert_balanced(final)
    assert final["totals"]["echoed"] == 5000


@pytest.mark.parametrize("lcores", [None, one_worker()], ids=["two queues", "one queue"])
def test_tap_of_another_process_is_not_shared(start_echo, lcores):
    first = start_echo("net_tap0,iface=taken", "--stats-interval", "50ms", lcores=lcores).wait_until_ready()
    assert_fails(start_echo("net_tap7,iface=taken"), FAILURE, "net_tap7: another process has taken open")
    with KernelPeer("taken") as peer:
        assert_all_came_back(peer.exchange(1000, flows=16), 1000)
    assert_balanced(first.stop())
