"""Two reflectors that face each other: frames circulate endlessly unless the loop check stops them."""

import contextlib
import signal
import subprocess

import pytest

import captures
from control_client import ControlClient
from tests.harness.kernel_interfaces import interface, ip, veth_pair
from tests.harness.kernel_peer import KernelPeer
from tests.harness.program_under_test import NO_NIC, assert_balanced, run_to_end, usable_cpus

VETH, PEER = "veth-echo", "veth-peer"
INTERVAL = 0.1  # seconds between two reports
FOUND_WITHIN = 2.0  # a check is sent once per second
BURST, MAX_BURSTS = 32, 5  # frames that testpmd sends from each port, and the maximum number of such bursts
STORM = 10_000  # after one burst, only a storm reaches this number of frames
CHECK = bytes.fromhex("024543000000 061122334455 88b5") + b"l2echo loop chk1" + bytes(30)
RETURNED, AS_SENT = "another reflector returned our loop check", "our loop check came back as it was sent"


@pytest.fixture
def start_reflector(start_echo):
    """l2_multi_echo with one worker on the given CPU, reporting every 100 ms."""

    def start_on(device, *options, cpu=0):
        cpus = usable_cpus()
        return start_echo(device, "--link-wait", "0", "--stats-interval", f"{INTERVAL}s", *options,
                          lcores=f"0@{cpus[cpu % len(cpus)]}").wait_until_ready()

    return start_on


def memif(path, role):
    return f"socket={path},socket-abstract=no,role={role}"


@pytest.fixture
def start_testpmd(start, testpmd):
    def start_forwarding(reflectors, *devices, mode, topology):
        """Starts testpmd and sends a burst from each port. Repeats it until it arrives: a memif without a link loses
        it."""
        cpu = usable_cpus()[-1]
        vdevs = [f"--vdev={device}" for device in devices]
        forwarder = start("stdbuf", "--output=L", testpmd, *NO_NIC, "--lcores", f"0@{cpu},1@{cpu}", *vdevs, "--",
                          "--interactive", f"--forward-mode={mode}", f"--port-topology={topology}",
                          "--total-num-mbufs=16384", "--no-lsc-interrupt", stdin=subprocess.PIPE)
        for reflector in reflectors:
            reflector.wait_for_report(lambda report: report["ports"][0]["link"]["up"], "link")
        for _ in range(MAX_BURSTS):
            forwarder.write_line("start tx_first")
            if all(has_received(reflector) for reflector in reflectors):
                return
            forwarder.write_line("stop")
        raise AssertionError("no burst of testpmd arrived")

    return start_forwarding


def has_received(process, timeout=2.0):
    try:
        process.wait_for_report(lambda report: report["totals"]["received"] >= BURST, "burst", timeout)
    except AssertionError:
        return False
    return True


def session(report):
    return report["ports"][0]["session"]


def wait_for_state(process, state):
    return process.wait_for_report(lambda report: session(report)["state"] == state, f"session that is {state}")


def assert_found(process, hint):
    """The port stops within two seconds of the first frame, gives the reason, and frames stop circulating."""
    process.wait_for(lambda: any(session(report)["state"] == "facing-reflector" for report in process.reports()),
                     "facing a reflector")
    reports = process.reports()
    first = next(report for report in reports if report["totals"]["received"] > 0)
    found = next(report for report in reports if session(report)["state"] == "facing-reflector")
    assert found["elapsed_seconds"] - first["elapsed_seconds"] <= FOUND_WITHIN + INTERVAL
    assert any(hint in text for text in found["hints"]), found["hints"]
    assert_nothing_circulates(process)


def assert_nothing_circulates(process):
    """For more than a second only checks arrive, and only those of the other reflector are echoed."""
    first = process.wait_for_report(lambda _: True, "report")
    last = process.wait_for_report(lambda report: report["elapsed_seconds"] > first["elapsed_seconds"] + 1.2, "report")
    before, after = first["totals"], last["totals"]
    assert session(last)["state"] == "facing-reflector"
    seconds = last["elapsed_seconds"] - first["elapsed_seconds"]
    # Our own checks and those of the other reflector.
    assert after["received"] - before["received"] <= 2 * (seconds + 1)
    assert after["echoed"] - before["echoed"] <= seconds + 1


def assert_storms(process):
    process.wait_for_report(lambda report: report["totals"]["echoed"] > STORM, "storm")


def stop_all(*processes):
    for process in processes:
        assert_balanced(process.stop(signal.SIGTERM))


@pytest.fixture
def pair_with_testpmd_between(start_reflector, start_testpmd, tmp_path):
    """Two reflectors joined by two memifs and testpmd, which sends a burst to each."""

    def start_pair(*options):
        sockets = [tmp_path / "a.sock", tmp_path / "b.sock"]
        pair = [start_reflector(f"net_memif0,{memif(path, 'server')}", *options, cpu=cpu)
                for cpu, path in enumerate(sockets)]
        start_testpmd(pair, *(f"net_memif{i},{memif(path, 'client')}" for i, path in enumerate(sockets)), mode="io",
                      topology="paired")
        return pair

    return start_pair


def test_two_reflectors_detect_each_other(pair_with_testpmd_between):
    pair = pair_with_testpmd_between()
    for process in pair:
        assert_found(process, RETURNED)
    stop_all(*pair)


def test_two_reflectors_storm_without_the_check(pair_with_testpmd_between):
    pair = pair_with_testpmd_between("--loop-check", "off")
    for process in pair:
        assert_storms(process)
        assert session(process.reports()[-1])["state"] == "armed"
        assert process.reports()[-1]["totals"]["checks_sent"] == 0
    stop_all(*pair)


def test_reflector_without_the_check_is_detected_by_the_other(start_reflector, tmp_path):
    """It sends no checks, and returns checks like any other reflector."""
    path = tmp_path / "wire.sock"
    careless = start_reflector(f"net_memif0,{memif(path, 'server')}", "--loop-check", "off")
    careful = start_reflector(f"net_memif0,{memif(path, 'client')}", cpu=1)
    found = wait_for_state(careful, "facing-reflector")
    assert any(RETURNED in text for text in found["hints"])
    assert session(careless.wait_for_report(lambda _: True, "report"))["state"] == "armed"
    stop_all(careful, careless)


def test_foreign_reflector_is_detected_by_our_check(start_reflector, start_testpmd, tmp_path):
    path = tmp_path / "wire.sock"
    process = start_reflector(f"net_memif0,{memif(path, 'server')}")
    start_testpmd([process], f"net_memif0,{memif(path, 'client')}", mode="macswap", topology="loop")
    assert_found(process, RETURNED)
    stop_all(process)


def test_foreign_reflector_storms_without_the_check(start_reflector, start_testpmd, tmp_path):
    path = tmp_path / "wire.sock"
    process = start_reflector(f"net_memif0,{memif(path, 'server')}", "--loop-check", "off")
    start_testpmd([process], f"net_memif0,{memif(path, 'client')}", mode="macswap", topology="loop")
    assert_storms(process)
    stop_all(process)


def test_loopback_plug_is_detected(start_reflector):
    """net_ring receives what it sends."""
    process = start_reflector("net_ring0")
    assert_found(process, AS_SENT)
    stop_all(process)


@pytest.fixture
def start_on_veth(start_reflector):
    def start_on(interface_name, *options, cpu=0):
        """The driver derives its fanout group from the process id and the interface index, so two processes may
        collide. Then it retries with the next process id."""
        for _ in range(3):
            try:
                return start_reflector(f"net_af_packet0,iface={interface_name}", *options, cpu=cpu)
            except AssertionError as error:
                if "could not set PACKET_FANOUT" not in str(error):
                    raise
        raise AssertionError("no fanout group for " + interface_name)

    return start_on


@pytest.fixture
def veth_ends(start_on_veth, tmp_path):
    """Reflectors at both ends of a veth; the first one has a control socket."""

    def start_both(*options):
        first = start_on_veth(VETH, "--control-socket", str(tmp_path / "control"), *options)
        return first, start_on_veth(PEER, *options, cpu=1)

    with veth_pair(VETH, PEER):
        yield start_both


def inject(frames=1):
    with KernelPeer(PEER) as peer:
        for frame in captures.frames_of_length(60) * frames:
            assert peer.send(frame)


def test_frame_on_a_veth_does_not_circulate(veth_ends):
    first, second = veth_ends()
    inject()
    assert_found(first, RETURNED)
    assert_found(second, RETURNED)
    stop_all(first, second)


def test_frame_on_a_veth_circulates_without_the_check(veth_ends):
    first, second = veth_ends("--loop-check", "off")
    inject()
    assert_storms(first)
    assert_storms(second)
    stop_all(first, second)


def test_link_change_forgets_the_reflector_and_the_check_detects_it_again(start, l2_multi_echo):
    """Uses two taps on a bridge: the tap driver sees link changes, which a veth's driver does not."""
    taps = ("dtap0", "dtap1")
    cpus = usable_cpus()
    pair = [start(l2_multi_echo, *NO_NIC, f"--vdev=net_tap0,iface={tap}", "--lcores",
                  f"0@{cpus[cpu % len(cpus)]}", "--", "--format", "json", "--stats-interval", f"{INTERVAL}s")
            .wait_until_ready() for cpu, tap in enumerate(taps)]
    with interface("br-echo", "type", "bridge"):
        for number, tap in enumerate(taps):
            ip("link", "set", tap, "address", f"02:00:00:00:0b:0{number}", "master", "br-echo")
        for process in pair:
            wait_for_state(process, "facing-reflector")
        for process, tap in zip(pair, taps):
            ip("link", "set", tap, "down")
            wait_for_state(process, "armed")
            ip("link", "set", tap, "up")
            wait_for_state(process, "facing-reflector")
    # Without the bridge, nothing is returned.
    ip("link", "set", taps[0], "down")
    wait_for_state(pair[0], "armed")
    ip("link", "set", taps[0], "up")
    assert_echoes_to_the_kernel(pair[0], taps[0])
    stop_all(pair[1])


def test_rearming_forgets_the_reflector_and_the_check_detects_it_again(veth_ends, tmp_path):
    first, second = veth_ends()
    wait_for_state(first, "facing-reflector")
    with ControlClient(tmp_path / "control") as client:
        assert client.ask("status")["ports"][0]["state"] == "facing-reflector"
        assert client.ask("arm")["ports"][0]["state"] == "armed"
        wait_for_state(first, "facing-reflector")
        second.stop()
        client.ask("arm")
    assert_echoes_to_the_kernel(first, PEER)


def assert_echoes_to_the_kernel(process, interface_name):
    process.wait_for_report(lambda report: session(report)["state"] == "armed" and report["ports"][0]["link"]["up"],
                            "armed session and link")
    with KernelPeer(interface_name) as peer:
        result = peer.exchange(500, window=64)
    assert result.is_clean() and result.returned == 500, result
    assert_balanced(process.stop())


def with_tag(frame):
    return frame[:12] + b"\x81\0\0\5" + frame[12:]


def swapped(frame):
    return frame[6:12] + frame[0:6] + frame[12:]


@pytest.mark.parametrize("options", [(), ("--loop-check", "off")], ids=["checks", "no checks"])
def test_foreign_check_is_echoed_once_and_stops_no_port(echo_capture, options):
    ordinary = captures.frames_of_length(60)
    frames = [CHECK, with_tag(CHECK), swapped(CHECK), swapped(with_tag(CHECK)), *ordinary * 100]
    out, final = echo_capture(frames, *options)
    assert out[:1] == [swapped(with_tag(CHECK))] and len(out) == 101  # read_capture() leaves out untagged checks
    assert final["totals"]["echoed"] == 102
    assert final["totals"]["refused_by"]["loop-check"] == final["totals"]["refused"] == 2
    assert session(final)["state"] == "armed"


def test_neighbours_on_a_switch_do_not_stop_each_other(start_on_veth, tmp_path):
    """Two on a bridge that echo only frames to their own MAC, each with its own tester."""
    far_ends = ("veth-one", "veth-two")
    with interface("br-echo", "type", "bridge"), contextlib.ExitStack() as cables:
        for name in (*far_ends, "veth-test"):
            cables.enter_context(veth_pair(name, f"{name}-br"))
            ip("link", "set", f"{name}-br", "master", "br-echo")
        pair = [start_on_veth(name, "--accept", "own", cpu=cpu) for cpu, name in enumerate(far_ends)]
        for process in pair:
            process.wait_for_report(lambda report: report["totals"]["checks_sent"] >= 2, "checks")
        # The bridge floods frames to unknown MACs, so each port receives the other's checks.
        for process in pair:
            report = process.wait_for_report(lambda report: report["totals"]["refused_by"]["not-own"] > 0, "a check")
            assert session(report)["state"] == "armed"
            mac = bytes.fromhex(report["ports"][0]["mac"].replace(":", ""))
            with KernelPeer("veth-test", destination=mac) as peer:
                assert peer.exchange(100, window=16).returned == 100
        stop_all(*pair)


def test_frame_that_only_resembles_a_check_is_echoed(echo_capture):
    changed = [CHECK[:13] + b"\xb6" + CHECK[14:], CHECK[:29] + b"2" + CHECK[30:], CHECK[:37]]
    _, final = echo_capture(changed)
    assert final["totals"]["echoed"] == len(changed)


def test_raw_sends_no_checks_and_returns_foreign_ones(echo_capture, tmp_path):
    _, final = echo_capture([CHECK], "--raw")
    assert (final["totals"]["echoed"], final["totals"]["checks_sent"]) == (1, 0)
    assert (tmp_path / "out.pcap").read_bytes().endswith(swapped(CHECK))


def test_check_is_sent_once_per_second_and_identifies_its_sender(start_echo, tmp_path):
    captures.write_capture(tmp_path / "in.pcap", captures.frames_of_length(60))
    final = run_to_end(start_echo(f"net_pcap0,rx_pcap={tmp_path}/in.pcap,tx_pcap={tmp_path}/out.pcap", "--duration",
                                  "2500ms"), 20)
    checks = [frame for frame in captures.read_all(tmp_path / "out.pcap") if captures.is_loop_check(frame)]
    assert len(checks) == final["totals"]["checks_sent"]
    assert 2 <= len(checks) <= 4 and len(set(checks)) == 1
    own = bytes.fromhex(final["ports"][0]["mac"].replace(":", ""))
    assert checks[0][:3] == CHECK[:3] and checks[0][6:12] == own and len(checks[0]) == 60
