"""The samples in config/ work unchanged, and the output of --print-config is a valid configuration file."""

import re
import subprocess
import tomllib

import pytest

from tests.harness.kernel_interfaces import veth_pair
from tests.harness.kernel_peer import TPID_8021Q, KernelPeer
from tests.harness.program_under_test import NO_NIC, assert_balanced, one_worker, usable_cpus
from wire_rules_model import REASONS

SAMPLES = ("vfio", "virtio", "tap", "af_packet", "net_null")
ALL_OPTIONS = "all_options"
FRAMES = 1000


@pytest.fixture
def printed_config(start, l2_multi_echo):
    """printed_config(ARGUMENTS...) returns the output of --print-config."""

    def print_config(*arguments):
        process = start(l2_multi_echo, *arguments, "--print-config")
        process.end_cleanly(5)
        return process.stdout()

    return print_config


@pytest.fixture
def start_sample(start, l2_multi_echo, config_folder):
    """Runs a sample unchanged, except for JSON reports."""

    if usable_cpus()[:2] != [0, 1]:
        pytest.skip("the samples run on CPUs 0 and 1, and this process may not use both")

    def start_file(name, *options):
        return start(l2_multi_echo, "--", "--config", str(config_folder / f"{name}.toml"), "--format", "json",
                     *options)

    return start_file


def as_words(arguments):
    """EAL's arguments as printed: numbers may be unquoted, and a single argument needs no brackets."""
    return [str(argument) for argument in (arguments if isinstance(arguments, list) else [arguments])]


def test_every_sample_is_tested(config_folder):
    assert {file.stem for file in config_folder.glob("*.toml")} == {*SAMPLES, ALL_OPTIONS}


@pytest.mark.parametrize("name", SAMPLES)
def test_sample_takes_effect_as_written(printed_config, config_folder, name):
    file = config_folder / f"{name}.toml"
    printed = tomllib.loads(printed_config("--", "--config", str(file)))
    sample = tomllib.loads(file.read_text(encoding="utf-8"))
    assert sample["eal"], "the sample does not set EAL's arguments"
    assert as_words(printed["eal"]) == sample["eal"]
    assert set(sample) <= set(printed)


def test_sample_of_all_options_has_each_with_its_default(printed_config, config_folder):
    sample = (config_folder / f"{ALL_OPTIONS}.toml").read_text(encoding="utf-8")
    assert sample.endswith("\n" + printed_config("--")), "the output of --print-config must follow the first lines"


#: What to write for the placeholder of each key that has no default.
VALUES = {
    "eal": "--no-pci", "instance": "nic", "ports": "0,net_null1", "mbuf-data-room": "4096", "mtu": "3000",
    "rss": "ip,udp", "rss-key": "6d" * 40, "match": "refuse,vlan=5", "only-from": "02:00:00:00:00:99",
    "max-rate": "1Mpps", "ip": "192.0.2.1/24,2001:db8::1/64", "expire": "1h", "control-socket": "/run/l2echo/control",
    "trace-file": "/tmp/trace.pcapng", "stats-interval": "2min", "duration": "1h", "metrics": "127.0.0.1:9464",
}


def test_key_without_a_default_is_shown_in_the_form_that_the_file_takes(start, l2_multi_echo, config_folder, tmp_path):
    sample = (config_folder / f"{ALL_OPTIONS}.toml").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^# ([a-z-]+) = (.*)$", sample, re.MULTILINE))
    assert set(shown) == set(VALUES)
    lines = [f"{key} = {re.sub('[A-Z][A-Za-z:|]*', VALUES[key], form, count=1)}" for key, form in shown.items()]
    (tmp_path / "all.toml").write_text("\n".join(lines), encoding="utf-8")
    start(l2_multi_echo, "--", "--config", str(tmp_path / "all.toml"), "--check-config").end_cleanly(5)
    repeated = {key for key, value in tomllib.loads("\n".join(lines)).items() if isinstance(value, list)}
    assert repeated == {"eal", "match"}


@pytest.mark.parametrize("name", (*SAMPLES, ALL_OPTIONS))
def test_printed_config_is_a_config_file(printed_config, config_folder, tmp_path, name):
    first = printed_config("--", "--config", str(config_folder / f"{name}.toml"))
    (tmp_path / "printed.toml").write_text(first, encoding="utf-8")
    assert printed_config("--", "--config", str(tmp_path / "printed.toml")) == first


def test_command_line_overrides_the_file(printed_config, tmp_path):
    file = tmp_path / "some.toml"
    file.write_text('burst = 16\nmtu = 2000\nraw = true\neal = ["--no-huge", "-m", "64"]\n', encoding="utf-8")
    from_file = tomllib.loads(printed_config("--", "--config", str(file)))
    assert (from_file["burst"], from_file["mtu"], from_file["raw"]) == (16, 2000, True)
    assert as_words(from_file["eal"]) == ["--no-huge", "-m", "64"]
    both = tomllib.loads(printed_config("--no-pci", "--", "--config", str(file), "--burst", "64"))
    assert (both["burst"], both["mtu"], as_words(both["eal"])) == (64, 2000, ["--no-pci"])


def test_every_option_is_a_key_that_takes_effect_when_fed_back(printed_config, tmp_path):
    options = {
        "instance": "nic", "ports": "0,net_null1", "rx-descriptors": "256", "tx-descriptors": "512", "burst": "16",
        "mbuf-data-room": "4096", "mempool-cache": "128", "mtu": "3000", "rss": "ip,udp", "rss-key": "6d" * 40,
        "promiscuous": "off", "flow-control": "keep", "tx-full": "retry=5", "link-wait": "500ms",
        "stats-interval": "2min", "format": "json", "duration": "1h",
    }
    arguments = [f"--{name}={value}" for name, value in options.items()] + ["--raw", "--take-kernel-interface"]
    printed = printed_config(*NO_NIC, "--", *arguments)
    keys = tomllib.loads(printed)
    assert {*options, "raw", "take-kernel-interface", "eal"} <= set(keys)
    assert as_words(keys["eal"]) == list(NO_NIC), "what --instance adds is not printed"
    (tmp_path / "printed.toml").write_text(printed, encoding="utf-8")
    assert printed_config("--", "--config", str(tmp_path / "printed.toml")) == printed


@pytest.mark.parametrize("key", ["00" * 40, "12e4" * 20], ids=["zeros", "like a float"])
def test_key_that_looks_like_a_number_is_printed_as_toml(printed_config, key):
    assert tomllib.loads(printed_config("--", "--rss-key", key))["rss-key"] == key


def test_file_takes_effect_when_run(start, l2_multi_echo, tmp_path):
    file = tmp_path / "run.toml"
    eal = ", ".join(f'"{argument}"' for argument in (*NO_NIC, "--vdev=net_null0", "--lcores", one_worker()))
    file.write_text(f'eal = [{eal}]\nraw = true\nformat = "json"\nduration = "300ms"\n', encoding="utf-8")
    process = start(l2_multi_echo, "--", "--config", str(file))
    process.end_cleanly(10)
    final = process.final()
    assert_balanced(final)
    assert final["totals"]["echoed"] > 0


def assert_echoes(process, interface, **traffic):
    process.wait_until_ready()
    with KernelPeer(interface) as peer:
        result = peer.exchange(FRAMES, window=64, **traffic)
    assert result.is_clean() and result.returned == FRAMES, result
    final = process.stop()
    assert_balanced(final)
    assert final["totals"]["echoed"] == FRAMES


def test_tap_sample_echoes(start_sample, config_folder):
    eal = " ".join(tomllib.loads((config_folder / "tap.toml").read_text(encoding="utf-8"))["eal"])
    named = re.search(r"iface=([^, ]+)", eal)
    assert_echoes(start_sample("tap"), named[1] if named else "dtap0", vlan=True)


def test_af_packet_sample_echoes(start_sample):
    with veth_pair("veth-echo", "veth-peer") as (_, peer):
        assert_echoes(start_sample("af_packet"), peer, vlan=True, outer_tag=TPID_8021Q)


def test_net_null_sample_echoes(start_sample):
    process = start_sample("net_null", "--duration", "500ms")
    process.end_cleanly(10)
    assert_balanced(process.final())
    assert process.final()["totals"]["echoed"] > 0


def test_documents_name_the_refusal_reasons_in_their_order(config_folder):
    rules = (config_folder.parent / "docs/wire-rules.md").read_text(encoding="utf-8")
    table = rules[rules.index("| reason | frames |"):].split("\n\n")[0]
    assert tuple(re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE)) == REASONS


def test_documents_name_every_option(config_folder, l2_multi_echo, l2_probe):
    shared = (config_folder.parent / "docs/options.md").read_text(encoding="utf-8")
    probe = (config_folder.parent / "docs/probe.md").read_text(encoding="utf-8")
    for program, text_of_docs in ((l2_multi_echo, shared), (l2_probe, shared + probe)):
        text = subprocess.run((program, "--help"), capture_output=True, text=True, check=True).stdout
        options = set(re.findall(r"^ +(?:-\w,)?(--[a-z-]+)", text, re.MULTILINE))
        assert len(options) > 20
        assert not {option for option in options
                    if f"`{option}" not in text_of_docs and f" {option}" not in text_of_docs}
