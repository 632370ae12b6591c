"""dpdk-dumpcap on a far end that runs under its unit: with the drop-in, as the user of the unit, and for no other."""

import base64
import io

import pytest
from scapy.utils import PcapReader

from tests.harness.hugepages import hugepages
from test_service import IPC_LOCK, add_drop_in, process_status

UNIT, FOLDER = "l2echo@captured.service", "/dev/hugepages/l2echo-captured"
CONFIG = (f'eal = ["--huge-dir", "{FOLDER}", "-m", "64", "--no-pci", "--lcores", "0@0", "--vdev", "net_null0"]\n'
          'raw = true\nidle = "sleep"\nallow-dumpcap = true\n')
CAPTURE = "env RUNTIME_DIRECTORY=/run/l2echo/captured timeout 60 dpdk-dumpcap --file-prefix captured -i 0 -p -P -c 1000"


@pytest.fixture(scope="module", autouse=True)
def pages(tmp_path_factory):
    with hugepages(64, tmp_path_factory.mktemp("huge")):
        yield


@pytest.fixture
def captured(host, far_end):
    host.write("/etc/l2echo/captured.toml", CONFIG)
    add_drop_in(host, "captured", "dumpcap.conf")
    return far_end("captured")


def capture(host):
    """Captures as the unit's user; returns the frames."""
    host.run(f"runuser -u l2echo -- {CAPTURE} -w /tmp/captured.pcap")
    content = base64.b64decode(host.run("base64 /tmp/captured.pcap && rm /tmp/captured.pcap"))
    with PcapReader(io.BytesIO(content)) as reader:
        return list(reader)


def test_capture_needs_the_drop_in(host):
    host.write("/etc/l2echo/captured.toml", CONFIG)
    assert host.try_run(f"systemctl start {UNIT}")[0] != 0
    assert "--huge-dir is in no hugetlbfs" in host.journal(UNIT)
    host.run(f"systemctl stop {UNIT}")


def test_user_of_the_unit_captures_and_privileges_do_not_grow(host, captured):
    frames = capture(host)
    assert len(frames) >= 1000 and {len(frame) for frame in frames} == {64}
    status = process_status(host, captured)
    assert (status["NoNewPrivs"], int(status["CapBnd"], 16)) == ("1", IPC_LOCK)
    host.run(f"systemd-analyze security --threshold=20 {captured}")
    host.run(f"test \"$(stat --format '%U %G %a' {FOLDER})\" = 'l2echo l2echo 700'")


@pytest.mark.parametrize("user", ["root", "daemon"])
def test_another_user_captures_nothing_and_does_no_harm(host, captured, user):
    assert host.try_run(f"runuser -u {user} -- {CAPTURE} -w /tmp/other.pcap")[0] != 0
    assert len(capture(host)) >= 1000
    assert (host.show(captured, "ActiveState"), host.show(captured, "NRestarts")) == ("active", "0")


def test_killed_far_end_starts_again_and_can_be_captured(host, captured):
    host.run(f"kill -KILL {host.show(captured, 'MainPID')}")
    host.wait_for(captured, "NRestarts", "1")
    host.wait_for(captured, "ActiveState", "active")
    assert len(capture(host)) >= 1000


def test_stop_returns_the_hugepages(host, captured):
    host.run(f"test -e {FOLDER}/captured*map_0")
    host.run(f"systemctl stop {captured}")
    host.run("test -z \"$(ls -A /dev/hugepages)\"")
