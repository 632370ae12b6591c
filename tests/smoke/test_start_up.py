"""Start-up logs the plan in the terms of the field, and the program runs as planned."""

import pathlib
import re

import pytest

from tests.harness.kernel_interfaces import veth_pair
from tests.harness.program_under_test import NO_NIC, START_SECONDS, one_worker, two_workers, usable_cpus


@pytest.fixture
def idle_echo(start_echo):
    """Two workers on a device that delivers no frames."""
    return start_echo("net_null0,no-rx=1").wait_until_ready()


def test_log_shows_the_plan(idle_echo):
    for pattern in (r"^L2ECHO: Running on 3 lcores \(1 main \+ 2 workers\)$",
                    r"^L2ECHO: Core 1 entering main loop\.\.\.$",
                    r"^L2ECHO: Core 2 entering main loop\.\.\.$",
                    r"^L2ECHO: Port 0: .*net_null.*([0-9a-f]{2}:){5}[0-9a-f]{2}",
                    r"^L2ECHO: Port 0: .*2 queue pairs",
                    r"^L2ECHO: Port 0: RSS ",
                    r"^L2ECHO: Ready: echoing on 1 port$"):
        assert re.search(pattern, idle_echo.stderr(), re.MULTILINE), pattern
    assert idle_echo.stdout() == "" or idle_echo.reports()


def cpus_of_workers(pid):
    """lcore -> its CPUs according to the kernel, by the thread names that EAL sets."""
    cpus = {}
    for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
        worker = re.fullmatch(r"(?:rte|dpdk)-worker-?(\d+)", (thread / "comm").read_text().strip())
        if worker:
            status = (thread / "status").read_text()
            cpus[int(worker[1])] = re.search(r"Cpus_allowed_list:\s+(\S+)", status)[1]
    return cpus


def test_logged_cpus_are_those_that_lcores_run_on(idle_echo):
    cpus = cpus_of_workers(idle_echo.pid())
    assert set(cpus) == {1, 2}
    for lcore, cpu in cpus.items():
        assert re.search(rf"^L2ECHO: lcore {lcore} on CPU {cpu}\b", idle_echo.stderr(), re.MULTILINE), cpus


def test_lcore_ids_may_have_gaps(start_echo):
    lcores = f"{two_workers()},5@{usable_cpus()[0]}"
    process = start_echo("net_null0,no-rx=1", lcores=lcores).wait_until_ready()
    process.wait_for_line(r"^L2ECHO: Running on 4 lcores \(1 main \+ 3 workers\)$")
    process.wait_for_line(r"^L2ECHO: Core 5 entering main loop\.\.\.$")
    assert [worker["lcore"] for worker in process.stop()["workers"]] == [1, 2, 5]


def test_unlocked_memory_is_reported(start, l2_multi_echo):
    limits = ("prlimit", "--memlock=65536", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    process = start(*limits, l2_multi_echo, *NO_NIC, "--no-telemetry", "--vdev=net_null0,no-rx=1", "--lcores",
                    one_worker(), "--", "--duration", "1ms")
    process.wait_for_line(r"Memory is not locked \(Cannot allocate memory\).*ulimit -l")
    assert process.wait(START_SECONDS) == 0


# What EAL says at every start, and is no fault by its words.
PLAIN = re.compile(r"EAL: (Detected |Selected IOVA mode |Multi-process socket )")


def harmless_lines():
    """The lines that docs/host-setup.md explains as harmless; ... is any text."""
    page = (pathlib.Path(__file__).parents[2] / "docs/host-setup.md").read_text(encoding="utf-8")
    table = page[page.index("| line | who | means |"):].split("\n\n")[0]
    lines = [line for row in table.splitlines()[2:] for line in re.findall(r"`(.+?)`", row.split(" | ")[0])]
    return [re.compile(re.escape(line).replace(r"\.\.\.", ".*")) for line in lines]


@pytest.mark.parametrize("device", ["net_tap0,iface=tap-lines", "net_memif0,role=server,id=7", "net_null0,no-rx=1",
                                    "net_af_packet0,iface=veth-lines", "net_ring0"])
def test_document_explains_every_line_of_a_driver_that_looks_like_a_fault(start_echo, device):
    with veth_pair("veth-lines", "veth-lines-peer"):
        echo = start_echo(device, "--link-wait", "0").wait_until_ready()
        echo.stop()
    foreign = [line for line in echo.stderr().splitlines() if not line.startswith("L2ECHO: ") and not PLAIN.match(line)]
    assert foreign, "EAL writes at least one such line"
    known = harmless_lines()
    assert not [line for line in foreign if not any(pattern.fullmatch(line) for pattern in known)]
