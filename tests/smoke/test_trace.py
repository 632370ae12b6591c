"""The trace of known frames: on stderr, and as pcapng with the verdict as each frame's comment."""

import collections
import fcntl
import os
import re
import signal
import struct

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether
from scapy.packet import Raw
from scapy.utils import PcapNgReader

import captures
from control_client import ControlClient
from tests.harness.program_under_test import (FAILURE, START_SECONDS, USAGE, assert_balanced, assert_fails, error_line,
                                              one_worker, run_to_end)
from wire_rules_model import Rules, refusal

TRACE_LINE = r"^L2ECHO: trace: port 0 queue 0, (\d+) bytes, (.*): (echoed \(.*\)|answered|refused, .*)$"
CAPTURED_BYTES = 128
SECTION_HEADER, INTERFACE, ENHANCED_PACKET = 0x0A0D0D0A, 1, 6
COMMENT = 1
ETHERNET = 1


def known_frames():
    """Frames with their expected trace text and verdict."""
    unicast = Ether(dst=captures.OURS, src=captures.THEIRS)
    macs = f"{captures.THEIRS} > {captures.OURS}"
    ipv4, ipv6 = IP(src="198.18.0.1", dst="198.19.0.1"), IPv6(src="2001:db8::1", dst="2001:db8::2")
    udp = UDP(sport=7777, dport=7) / Raw(b"x" * 200)
    later = IP(src="198.18.0.1", dst="198.19.0.1", proto=17, frag=5) / Raw(b"later")
    table = [
        (unicast / ipv4 / udp, f"{macs}, IPv4 198.18.0.1 > 198.19.0.1, UDP 7777 > 7", "echoed (mac)"),
        (unicast / ipv6 / TCP(sport=5, dport=80), f"{macs}, IPv6 2001:db8::1 > 2001:db8::2, TCP 5 > 80",
         "echoed (mac)"),
        (unicast / Dot1Q(vlan=5) / later, f"{macs}, VLAN 5, IPv4 198.18.0.1 > 198.19.0.1, UDP, later fragment",
         "echoed (mac)"),
        (unicast / Dot1AD(vlan=6) / Dot1Q(vlan=7) / ARP(), f"{macs}, VLAN 6 and 1 more, ARP",
         "echoed (mac)"),
        (Ether(dst=captures.BROADCAST, src=captures.THEIRS) / ARP(),
         f"{captures.THEIRS} > {captures.BROADCAST}, ARP", "refused, group-destination"),
        (Ether(dst=captures.OURS, src=captures.THEIRS, type=0x8808) / Raw(bytes(46)), f"{macs}, PAUSE",
         "refused, control"),
        (Ether(dst="01:80:c2:00:00:00", src=captures.THEIRS, type=0x26) / Raw(bytes(46)),
         f"{captures.THEIRS} > 01:80:c2:00:00:00, EtherType 0x0026", "refused, reserved"),
        (Raw(b"short"), "no Ethernet header", "refused, runt"),
    ]
    return [(bytes(frame), text, decision) for frame, text, decision in table]


def traced(process):
    return [match.groups() for match in re.finditer(TRACE_LINE, process.stderr(), re.MULTILINE)]


def expected_lines(known):
    return [(str(len(frame)), text, decision) for frame, text, decision in known]


@pytest.fixture
def start_on_capture(start_echo, tmp_path):
    def start(frames, *options, endless=False):
        captures.write_capture(tmp_path / "in.pcap", frames)
        mode = "infinite_rx=1" if endless else f"tx_pcap={tmp_path}/out.pcap"
        return start_echo(f"net_pcap0,rx_pcap={tmp_path}/in.pcap,{mode}", "--stats-interval", "50ms", *options)

    return start


@pytest.mark.parametrize("wanted", [1, 5, 8, 100])
def test_only_the_first_frames_are_traced(start_on_capture, wanted):
    known = known_frames() * 3
    process = start_on_capture([frame for frame, *_ in known], "--trace", str(wanted))
    process.wait_until_received(len(known))
    assert_balanced(process.stop())
    assert traced(process) == expected_lines(known)[:wanted]
    assert process.stderr().count("trace:") == min(wanted, len(known))


def test_without_the_option_nothing_is_traced(start_on_capture):
    process = start_on_capture([frame for frame, *_ in known_frames()])
    process.wait_until_received(len(known_frames()))
    process.stop()
    assert "trace" not in process.stderr()


def test_traced_verdicts_follow_the_rules(start_on_capture, own_mac):
    frames = [bytes(frame) for frame in captures.all_kinds_of_frames(own_mac)] + captures.ip_frames()[::10]
    rules = Rules(own_macs=(own_mac,), swap="mac+ip", match=("refuse,vlan=5", "dst-mac=00:00:00:00:00:00/0"))
    expected = [refusal(frame, rules) for frame in frames]
    process = start_on_capture(frames, "--trace", str(len(frames)), "--swap", "mac+ip", "--match", "refuse,vlan=5",
                               "--match", "dst-mac=00:00:00:00:00:00/0")
    process.wait_until_received(len(frames))
    final = process.stop()
    logged = [(int(length), decision) for length, _, decision in traced(process)]
    assert logged == [(len(frame), f"refused, {reason}" if reason else "echoed (mac+ip)")
                      for frame, reason in zip(frames, expected)]
    counted = collections.Counter(decision for _, decision in logged)
    assert counted["echoed (mac+ip)"] == final["totals"]["echoed"]


def test_raw_and_answers_are_traced_as_such(start_on_capture):
    request = bytes(Ether(dst=captures.BROADCAST, src=captures.THEIRS) / ARP(psrc="192.0.2.2", pdst="192.0.2.1"))
    process = start_on_capture([request], "--trace", "1", "--ip", "192.0.2.1/24")
    process.wait_until_received(1)
    process.stop()
    # The trace shows the frame as received, not as sent.
    text = f"{captures.THEIRS} > {captures.BROADCAST}, ARP"
    assert traced(process) == [(str(len(request)), text, "answered")]
    process = start_on_capture([request], "--trace", "1", "--raw")
    process.wait_until_received(1)
    process.stop()
    assert traced(process) == [(str(len(request)), text, "echoed (raw)")]


def test_socket_requests_more_frames(start_on_capture, tmp_path):
    known = known_frames()
    process = start_on_capture([frame for frame, *_ in known], "--control-socket", str(tmp_path / "socket"),
                               endless=True)
    process.wait_until_ready()
    process.wait_until_received(1000)
    assert traced(process) == []
    with ControlClient(tmp_path / "socket") as client:
        total = 0
        for wanted in (3, 40, 500):
            assert client.ask(f"trace {wanted}") == {"ok": True}
            total += wanted
            process.wait_for(lambda: len(traced(process)) >= total, f"{total} traced frames")
        # Exactly that many: after another round trip on the socket there are no more.
        assert client.ask("trace 0")["ok"] and client.ask("status")["ok"]
    final = process.stop()
    assert_balanced(final)
    assert final["totals"]["received"] > 10 * total
    assert len(traced(process)) == total
    assert set(traced(process)) <= set(expected_lines(known))


def test_zero_stops_the_trace(start_on_capture, tmp_path):
    process = start_on_capture([known_frames()[0][0]], "--control-socket", str(tmp_path / "socket")).wait_until_ready()
    with ControlClient(tmp_path / "socket") as client:
        client.ask("trace 1000000")
        client.ask("trace 0")
    process.stop()
    assert len(traced(process)) <= 1


def test_frames_that_overflow_the_ring_do_not_change_the_number_traced(start_on_capture):
    """Traces more frames than the ring holds, from traffic at full speed."""
    process = start_on_capture([known_frames()[0][0]], "--trace", "5000", endless=True).wait_until_ready()
    process.wait_for(lambda: len(traced(process)) == 5000, "5000 traced frames")
    process.stop()
    assert len(traced(process)) == 5000


def blocks_of(content):
    """Type and body of each block. Checks that both length fields agree."""
    while content:
        kind, length = struct.unpack_from("=II", content)
        assert length % 4 == 0 and struct.unpack_from("=I", content, length - 4)[0] == length
        yield kind, content[8 : length - 4]
        content = content[length:]


def options_of(content):
    while content:
        code, length = struct.unpack_from("=HH", content)
        if code == 0:
            assert length == 0 and len(content) == 4
            return
        yield code, content[4 : 4 + length]
        content = content[4 + (length + 3) // 4 * 4 :]
    raise AssertionError("the options do not end")


def packets_of(path):
    """Bytes, wire length and comment of each packet; checks how the file starts."""
    (first, _), (second, interface), *packets = blocks_of(path.read_bytes())
    assert (first, second) == (SECTION_HEADER, INTERFACE)
    assert struct.unpack_from("=H", interface)[0] == ETHERNET
    assert b"net_pcap0" in dict(options_of(interface[8:])).values()
    found = []
    for kind, body in packets:
        assert kind == ENHANCED_PACKET
        number, _, _, captured, length = struct.unpack_from("=IIIII", body)
        assert number == 0
        options = dict(options_of(body[20 + (captured + 3) // 4 * 4 :]))
        found.append((body[20 : 20 + captured], length, options[COMMENT].decode()))
    return found


@pytest.fixture
def trace_file(start_on_capture, tmp_path):
    known = known_frames()
    process = start_on_capture([frame for frame, *_ in known], "--trace", str(len(known)), "--trace-file",
                               str(tmp_path / "trace.pcapng"))
    process.wait_until_received(len(known))
    process.stop()
    return tmp_path / "trace.pcapng"


def test_file_has_frames_as_received_and_verdicts_as_comments(trace_file):
    assert packets_of(trace_file) == [(frame[:CAPTURED_BYTES], len(frame), decision)
                                      for frame, _, decision in known_frames()]


def test_scapy_reads_the_file(trace_file):
    with PcapNgReader(str(trace_file)) as reader:
        read = list(reader)
    assert [(bytes(packet), packet.wirelen) for packet in read] == [
        (frame[:CAPTURED_BYTES], len(frame)) for frame, *_ in known_frames()]
    times = [float(packet.time) for packet in read]
    assert times == sorted(times)
    assert abs(trace_file.stat().st_mtime - times[0]) < 60, "times are wall-clock times"


def test_tcpdump_reads_the_file(trace_file, start):
    process = start("tcpdump", "-n", "-e", "-t", "-r", str(trace_file))
    process.end_cleanly(10)
    lines = process.stdout().splitlines()
    assert "198.18.0.1.7777 > 198.19.0.1.7: UDP, length 200" in lines[0]
    assert "2001:db8::1.5 > 2001:db8::2.80: Flags [S]" in lines[1]
    assert "vlan 5" in lines[2] and "vlan 6" in lines[3]


def test_file_is_complete_while_the_process_runs(start_on_capture, tmp_path):
    known = known_frames()
    path = tmp_path / "trace.pcapng"
    process = start_on_capture([frame for frame, *_ in known], "--trace", "3", "--trace-file", str(path))
    process.wait_for(lambda: len(traced(process)) == 3, "three traced frames")
    process.wait_for(lambda: path.stat().st_size and len(packets_of(path)) == 3, "three frames in the file")


@pytest.mark.parametrize("path, why", [("none/trace.pcapng", "No such file"), (".", "directory"),
                                       ("/dev/full", "No space left")])
def test_unwritable_file(start_on_capture, tmp_path, path, why):
    path = str(tmp_path / path)
    process = start_on_capture([known_frames()[0][0]], "--trace", "8", "--trace-file", path)
    assert_fails(process, FAILURE, "--trace-file", path, why)


def test_full_disk_ends_the_file_and_not_the_echoing(start, start_on_capture, tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    start("mount", "-t", "tmpfs", "-o", "size=8k", "none", str(folder)).end_cleanly(5)
    try:
        process = start_on_capture([known_frames()[0][0]], "--trace", "2000", "--trace-file", str(folder / "trace"),
                                   endless=True).wait_until_ready()
        process.wait_for_line(r"warning: --trace-file .*/trace cannot be written any more: No space left on device")
        process.wait_for(lambda: len(traced(process)) == 2000, "2000 traced frames")
        process.send_signal(signal.SIGTERM)
        assert process.wait(START_SECONDS) == FAILURE
        assert "/trace: the trace is cut short: No space left on device" in error_line(process)
        assert_balanced(process.reports()[-1])
    finally:
        start("umount", str(folder)).end_cleanly(5)


def test_fifo_without_a_reader_is_an_error(start_on_capture, tmp_path):
    os.mkfifo(tmp_path / "trace")
    process = start_on_capture([known_frames()[0][0]], "--trace", "8", "--trace-file", str(tmp_path / "trace"))
    assert_fails(process, FAILURE, "--trace-file .*/trace: nobody reads this FIFO; start its reader first")


def test_stalled_reader_costs_frames_and_blocks_nothing(start_on_capture, tmp_path):
    os.mkfifo(tmp_path / "trace")
    reader = os.open(tmp_path / "trace", os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)
    try:
        process = start_on_capture([known_frames()[0][0]], "--trace", "200", "--trace-file", str(tmp_path / "trace"),
                                   endless=True)
        process.wait_for_line("warning: --trace-file .*/trace: its reader is too slow")
        process.wait_for(lambda: len(traced(process)) == 200, "200 traced frames")
        assert_balanced(process.stop())
        left_out = int(process.wait_for_line(r"reader was too slow: (\d+) frames? left out").group(1))
        (tmp_path / "read").write_bytes(b"".join(iter(lambda: os.read(reader, 65536), b"")))
    finally:
        os.close(reader)
    with PcapNgReader(str(tmp_path / "read")) as packets:
        assert 200 - left_out - 1 <= len(list(packets)) <= 200 - left_out  # the last one may be truncated


def test_second_program_on_a_trace_file_is_rejected(start_on_capture, tmp_path):
    path = tmp_path / "trace.pcapng"
    first = start_on_capture([known_frames()[0][0]], "--trace", "1", "--trace-file", str(path)).wait_until_ready()
    first.wait_for(lambda: len(traced(first)) == 1 and len(packets_of(path)) == 1, "one traced frame")
    before = path.read_bytes()
    assert_fails(start_on_capture([known_frames()[0][0]], "--trace", "1", "--trace-file", str(path)), FAILURE,
                 "--trace-file .*: another program writes its trace there; name another file")
    assert path.read_bytes() == before


@pytest.mark.parametrize("options, words", [
    (("--trace", "many"), ("--trace", "many")),
    (("--trace", "-1"), ("--trace",)),
    (("--trace", "99999999999"), ("--trace", "1000000000")),
    (("--trace-file", "/tmp/none"), ("--trace-file", "--trace N")),
], ids=" ".join)
def test_invalid_trace_option_is_a_usage_error(start_echo, options, words):
    assert_fails(start_echo("net_null0,no-rx=1", *options), USAGE, *words)


def test_documented_line_is_traced(start_echo):
    process = start_echo("net_null0", "--trace", "3", "--duration", "200ms", lcores=one_worker())
    run_to_end(process, 10)
    line = ("L2ECHO: trace: port 0 queue 0, 64 bytes, 00:00:00:00:00:00 > 00:00:00:00:00:00, EtherType 0x0000: "
            "refused, bad-source")
    assert process.stderr().splitlines().count(line) >= 1
    assert process.stderr().count("trace:") == 3
