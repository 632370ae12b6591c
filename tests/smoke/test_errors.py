"""Each mistake ends the program with one line that says what to type."""

import pathlib
import re

import pytest

from tests.harness.hugepages import hugepages
from tests.harness.program_under_test import FAILURE, NO_NIC, USAGE, assert_fails, two_workers, usable_cpus

NET_NULL = "net_null0,no-rx=1"
HUGE_PAGES = pathlib.Path("/sys/kernel/mm/hugepages")


BAD_USAGE = (
    (("--frobnicate",), ("--frobnicate", "--help")),
    (("stray",), ("stray",)),
    (("--burst",), ("--burst",)),
    (("--burst", "0"), ("--burst", "512")),
    (("--burst", "513"), ("--burst", "512")),
    (("--burst", "many"), ("--burst", "many")),
    (("--burst=",), ("--burst: the value is empty",)),
    (("--control-socket=", "--disarmed"), ("--control-socket: the value is empty",)),
    (("--control-socket", ""), ("--control-socket: the value is empty",)),
    (("--disarmed=maybe",), ("--disarmed takes no value",)),
    (("--", "--raw"), ("a second --",)),
    (("--trace=-1",), ("--trace: '-1' is not a number",)),
    (("--mempool-cache", "513"), ("--mempool-cache", "512")),
    (("--mempool-cache", "-1"), ("--mempool-cache",)),
    (("--rx-descriptors", "0"), ("--rx-descriptors",)),
    (("--tx-descriptors", "99999999999"), ("--tx-descriptors",)),
    (("--mtu", "10"), ("--mtu",)),
    (("--promiscuous", "maybe"), ("--promiscuous", "on", "off")),
    (("--flow-control", "maybe"), ("--flow-control", "keep")),
    (("--format", "xml"), ("--format", "json", "table")),
    (("--idle", "doze"), ("--idle", "poll", "sleep")),
    (("--idle", "sleep=1s"), ("--idle sleep=1s", "10us", "10000us")),
    (("--tx-full", "retry"), ("--tx-full", r"retry=N")),
    (("--tx-full", "retry=0"), ("--tx-full", r"retry=N")),
    (("--duration", "3 weeks"), ("--duration",)),
    (("--duration=-1",), ("--duration",)),
    (("--stats-interval", "soon"), ("--stats-interval",)),
    (("--rss", "udp,colour"), ("--rss", "colour")),
    (("--rss-key", "xyz"), ("--rss-key", "hex")),
    (("--rss-key", "abc"), ("--rss-key",)),
    (("--config", "/does/not/exist.toml"), ("/does/not/exist.toml",)),
    (("--stats-format", "json"), ("--stats-format is now --format$",)),
    (("--no-loop-check",), ("--no-loop-check is now --loop-check off$",)),
)


@pytest.mark.parametrize("options, words", BAD_USAGE, ids=[" ".join(options) for options, _ in BAD_USAGE])
def test_invalid_usage(start_echo, options, words):
    assert_fails(start_echo(NET_NULL, *options), USAGE, *words)


BAD_FILES = (
    ('frobnicate = 1\n', ("frobnicate", "bad.toml")),
    ('burst = 0\n', ("burst",)),
    ('burst = "many"\n', ("burst",)),
    ('promiscuous = "maybe"\n', ("promiscuous",)),
    ('burst = \n', ("burst",)),
    ('[dataplane]\nburst = 32\n', ("dataplane",)),
    ('this is no TOML\n', ("bad.toml",)),
    ('eal = ["--no-huge", "-m", "256"\ndisarmed = true\naccept = "own"\n', (r"bad.toml:2:\d+: ",)),
    ('raw = true\nraw = true\n', (r"bad.toml:2:\d+: ", "raw")),
    ('raw = "true"\n', ("bad.toml:1:7: raw is true or false",)),
    ('control-socket = ""\ndisarmed = true\n', ("bad.toml:1:18: control-socket: the value is empty",)),
    ('trace = -1\n', ("bad.toml:1:9: trace: '-1' is not a number",)),
    ('stats-format = "json"\n', ("bad.toml:1:1: stats-format is now format$",)),
    ('no-loop-check = true\n', ('bad.toml:1:1: no-loop-check is now loop-check = "off"$',)),
)


@pytest.mark.parametrize("content, words", BAD_FILES, ids=[content.strip() for content, _ in BAD_FILES])
def test_invalid_config_file(start_echo, tmp_path, content, words):
    file = tmp_path / "bad.toml"
    file.write_text(content, encoding="utf-8")
    assert_fails(start_echo(NET_NULL, "--config", str(file)), USAGE, *words)


@pytest.mark.parametrize("option", ["--raw", "--duration=3", "--format", "--config"])
def test_our_option_among_eal_arguments(start, l2_multi_echo, option):
    assert_fails(start(l2_multi_echo, *NO_NIC, "--vdev=net_null0", option), USAGE, option.split("=")[0], "after --")


@pytest.mark.parametrize("program, arguments, words", [
    ("l2_echo", ("0000:01:00.0",), ("'0000:01:00.0' is not an EAL option", "-a")),
    ("l2_echo", ("-n", ""), ("EAL argument .* is empty, after -n",)),
    ("l2_multi_echo", ("0000:01:00.0",), ("'0000:01:00.0' is not an EAL option", "-a")),
    ("l2_multi_echo", ("--vdev=net_null1", "stray", "--", "--raw"), ("'stray' is not an EAL option",)),
    ("l2_multi_echo", ("--trace", "5"), ("--trace: ours goes after --",)),
    ("l2_multi_echo", ("-n", ""), ("EAL argument .* is empty, after -n",)),
    ("l2_multi_echo", ("--lcores=",), ("EAL argument --lcores: the value is empty",)),
])
def test_eal_argument_that_would_be_ignored_is_an_error(start, request, program, arguments, words):
    assert_fails(start(request.getfixturevalue(program), *NO_NIC, "--vdev=net_null0", *arguments), USAGE, *words)


def test_eal_trace_option_is_left_to_eal(start, l2_multi_echo):
    process = start(l2_multi_echo, *NO_NIC, "--vdev=net_null0", "--lcores", two_workers(), "--trace=no.such.point",
                    "--", "--duration", "100ms")
    assert process.wait(10) == 0


@pytest.mark.alone
@pytest.mark.parametrize("kind", ["secondary", "auto"])
def test_second_process_does_not_disturb_the_ports_of_the_first(start, l2_multi_echo, tmp_path, kind):
    """Needs hugepages: with --no-huge the processes share nothing."""
    with hugepages(64, tmp_path):
        eal = ("--no-pci", f"--huge-dir={tmp_path}", "--file-prefix=shared", "--lcores", two_workers())
        first = start(l2_multi_echo, *eal, "-m", "96", "--vdev=net_null0,no-rx=1", "--", "--rx-descriptors", "64",
                      "--tx-descriptors", "64", "--format", "json").wait_until_ready()
        assert_fails(start(l2_multi_echo, *eal, f"--proc-type={kind}"), USAGE, "--proc-type", "--file-prefix")
        final = first.stop()
        assert final["ports"][0]["link"]["up"] and final["ports"][0]["link"]["changes"] == 0


def test_invalid_eal_option(start, l2_multi_echo):
    assert_fails(start(l2_multi_echo, *NO_NIC, "--no-such-eal-option"), FAILURE, "EAL")


def test_vdev_that_only_begins_with_a_driver_is_refused(start_echo):
    assert_fails(start_echo("net_nulll0"), USAGE, "--vdev=net_nulll0: no driver has this name", "write net_null0")
    start_echo("net_null_anything").wait_until_ready()


def test_invalid_vdev(start_echo):
    assert_fails(start_echo("net_does_not_exist0"), FAILURE, "EAL|net_does_not_exist0")


def test_umwait_without_cpu_or_driver_support(start_echo):
    assert_fails(start_echo(NET_NULL, "--idle", "umwait"), FAILURE, "--idle umwait", "CPU|net_null", "--idle sleep")


@pytest.mark.parametrize("port", ["7", "net_null7", "0,7", "-1", "65536"])
def test_missing_port(start_echo, port):
    assert_fails(start_echo(NET_NULL, f"--ports={port}"), FAILURE, re.escape(port.split(",")[-1]), "net_null0")


def test_no_port(start, l2_multi_echo):
    process = start(l2_multi_echo, *NO_NIC, "--lcores", two_workers())
    assert_fails(process, FAILURE, "port", "dpdk-devbind.py", "--vdev")


def test_lcores_outside_the_allowed_cpus(start, l2_multi_echo):
    cpus = usable_cpus()
    if len(cpus) < 2:
        pytest.skip("this machine has only one CPU")
    first, last = cpus[:2]
    process = start("taskset", "--cpu-list", str(first), l2_multi_echo, "-l", f"{first}-{last}", *NO_NIC,
                    "--vdev=net_null0")
    assert_fails(process, FAILURE, rf"\b{first}[-,]{last}\b", rf"-l {first}\b|--lcores")


def test_rss_key_of_a_length_that_the_device_rejects(start_echo):
    assert_fails(start_echo("net_tap0", "--rss-key", "6d5a"), FAILURE, "--rss-key|RSS key", r"\b40\b")


def test_mtu_above_the_limit_of_the_device(start_echo):
    assert_fails(start_echo("net_tap0", "--mtu", "9000"), FAILURE, "9000", r"\b15(00|04|18|22)\b", "net_tap0|port 0")


@pytest.mark.parametrize("before, after, pattern", [
    (("--help",), (), r"--stats-interval"),
    ((), ("--", "--help"), r"--stats-interval"),
    (("--version",), (), r"^l2echo \d+\.\d+\.\d+"),
    ((), ("--", "--version"), r"^l2echo \d+\.\d+\.\d+"),
], ids=str)
def test_help_and_version_are_not_errors(start, l2_multi_echo, before, after, pattern):
    process = start(l2_multi_echo, *before, *after)
    assert process.wait(5) == 0
    assert re.search(pattern, process.stdout())
    assert process.stderr() == ""


@pytest.mark.parametrize("device", ["net_pcap0,iface=", "net_memif0,role=,id=0"])
def test_empty_value_of_a_device_is_refused(start_echo, device):
    assert_fails(start_echo(device), USAGE, rf"--vdev {device}: (iface|role)= is empty")


@pytest.mark.parametrize("option, value", [("-m", "1G"), ("-m", "abc"), ("-n", "4x")])
def test_number_that_eal_would_misread_is_refused(start, l2_multi_echo, option, value):
    for words in ((option, value), (option + value,)):
        assert_fails(start(l2_multi_echo, *NO_NIC, *words, f"--vdev={NET_NULL}"), USAGE, rf"{option}: '{value}' is not")
