"""Failures caused by the machine rather than the command line: each message names the cause and the remedy."""

import dataclasses
import pathlib

import pytest

from tests.harness.kernel_interfaces import veth_pair
from tests.harness.program_under_test import FAILURE, NO_NIC, assert_fails, two_workers

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
SHARED_FILES = tuple(option for option in NO_NIC if option != "--no-shconf")
NULL = "--vdev=net_null0,no-rx=1"
HUGEPAGES = ("--no-pci", "--no-shconf", NULL)

# EAL counts the hugepages in sysfs, of the machine and of each NUMA node.
FAKE_HUGEPAGES = """
for folder in /sys/kernel/mm/hugepages /sys/devices/system/node/node*/hugepages; do
  [[ -d $folder ]] || continue
  mount -t tmpfs none "$folder"
  mkdir "$folder/hugepages-2048kB"
  cd "$folder/hugepages-2048kB"
  echo {reserved} >nr_hugepages
  echo {free} >free_hugepages
  for count in resv surplus nr_overcommit; do echo 0 >"${{count}}_hugepages"; done
done
cd /
"""
HUGETLBFS = "mkdir -p /run/huge; mount -t hugetlbfs -o pagesize=2M,mode={mode} none /run/huge"


def without(*capabilities):
    """Runs as root without these capabilities."""
    return ("setpriv", "--bounding-set=" + ",".join(f"-{name}" for name in capabilities))


def mounted(script):
    """Runs in its own mount namespace, after this script."""
    return ("unshare", "--mount", "bash", "-euc", script + '\nexec "$@"', "mounted")


@dataclasses.dataclass(frozen=True)
class Failure:
    name: str
    eal: tuple
    words: tuple
    before: tuple = ()
    runtime_folder: str | None = None

    def needs_nobody(self):
        return "--reuid=65534" in self.before


FAILURES = (
    Failure("read-only /run", (*SHARED_FILES, NULL), ("/run/dpdk.* read-only", "tmpfs", "--no-shconf"),
            mounted("mount -t tmpfs -o ro none /run")),
    Failure("stale XDG_RUNTIME_DIR", (*SHARED_FILES, NULL), ("/run/user/4711/dpdk.* not exist", "XDG_RUNTIME_DIR"),
            NOBODY, "/run/user/4711"),
    Failure("run-time folder of another user", (*SHARED_FILES, "--file-prefix=mine", NULL),
            ("/run/tests/dpdk/mine.* this user", "XDG_RUNTIME_DIR"),
            mounted("mkdir -m 700 /run/tests/dpdk") + NOBODY),
    Failure("missing library", (*NO_NIC, NULL, "-d", "librte_net_none.so"),
            ("librte_net_none.so.*No such file", "check the path")),
    Failure("empty /sys", (*NO_NIC, NULL), ("/sys is empty", "mount -t sysfs"),
            mounted("mount -t tmpfs none /sys")),
    Failure("options that EAL explains", (*NO_NIC, "--socket-mem=64", NULL),
            ("its arguments .*Options -m and --socket-mem cannot be specified at the same time",)),
    Failure("too little memory", ("--no-huge", "-m", "8", "--no-pci", "--no-shconf", NULL),
            ("mempool", "MiB", "raise -m", "^((?!hugepage).)*$")),
    Failure("no hugepages", HUGEPAGES, ("no hugepages are reserved", "--no-huge"),
            mounted(FAKE_HUGEPAGES.format(reserved=0, free=0))),
    Failure("no hugetlbfs", HUGEPAGES, ("no hugetlbfs is mounted", "--mount", "--in-memory"),
            mounted("umount -a -t hugetlbfs; " + FAKE_HUGEPAGES.format(reserved=64, free=64))),
    Failure("hugetlbfs of root", HUGEPAGES, ("may not write to /run/huge", "chmod 1777 /run/huge", "--in-memory"),
            mounted("umount -a -t hugetlbfs; " + FAKE_HUGEPAGES.format(reserved=64, free=64) +
                    HUGETLBFS.format(mode=755)) + NOBODY),
    Failure("af_packet, no capability", (*NO_NIC, "--vdev=net_af_packet0,iface=wire"),
            ("CAP_NET_RAW", "sudo"), without("net_raw")),
    Failure("af_packet, only CAP_NET_RAW", (*NO_NIC, "--vdev=net_af_packet0,iface=wire"),
            ("CAP_NET_ADMIN", "sudo"), without("net_admin")),
    Failure("af_xdp, no capability", (*NO_NIC, "--vdev=net_af_xdp0,iface=wire"), ("CAP_SYS_ADMIN", "sudo"),
            without("sys_admin", "bpf", "net_admin")),
    Failure("tap, no capability", (*NO_NIC, "--vdev=net_tap0"), ("CAP_NET_ADMIN", "sudo"),
            without("net_admin")),
    Failure("tap, no /dev/net/tun", (*NO_NIC, "--vdev=net_tap0"), ("no /dev/net/tun", "modprobe tun"),
            mounted("mount -t tmpfs none /dev/net")),
    Failure("memif, no server", (*NO_NIC, "--vdev=net_memif0,role=client,socket=/run/none.sock"),
            ("no memif server listens on /run/none.sock", "start the server")),
    Failure("vhost, no folder", (*NO_NIC, "--vdev=net_vhost0,iface=/none/a.sock"),
            ("folder of /none/a.sock does not exist", "iface=PATH")),
    Failure("missing NIC", ("--no-huge", "-m", "256", "--no-shconf", "-a", "77:00.0"),
            ("no NIC 0000:77:00.0", "dpdk-devbind.py --status")),
)

# Further failures that the same table explains.
MORE_FAILURES = (
    Failure("XDG_RUNTIME_DIR of another user", (*SHARED_FILES, NULL), ("/run/dpdk.* this user", "XDG_RUNTIME_DIR"),
            NOBODY, "/run"),
    Failure("no folder for telemetry", (*NO_NIC, NULL), ("telemetry", "--no-telemetry"),
            mounted("for folder in /run /tmp; do mount -t tmpfs -o ro none $folder; done")),
    Failure("full /run", (*SHARED_FILES, NULL), ("/run/dpdk.*No space left on device", "--no-shconf"),
            mounted("mount -t tmpfs -o nr_inodes=1 none /run")),
    Failure("--file-prefix with a slash", (*SHARED_FILES, "--file-prefix=a/b", NULL), ("--file-prefix", "slash")),
    Failure("library that is none", (*NO_NIC, NULL, "-d", "/etc/hostname"), ("/etc/hostname", "DPDK")),
    Failure("unknown driver", (*NO_NIC, "--vdev=net_none0"), ("net_none0", "librte-net")),
    Failure("options that exclude each other", (*NO_NIC, "--in-memory", NULL),
            ("--no-huge and --in-memory|--in-memory",)),
    Failure("main lcore that is none", (*NO_NIC, "--main-lcore=77", NULL), ("--main-lcore", "-l or --lcores")),
    Failure("too much memory", ("--no-huge", "-m", "99999999", "--no-pci", "--no-shconf", NULL),
            ("-m is more memory", "lower it", "^((?!hugepage).)*$")),
    Failure("no free hugepages", HUGEPAGES, ("all hugepages are in use", "--show"),
            mounted(FAKE_HUGEPAGES.format(reserved=64, free=0) + HUGETLBFS.format(mode=1777))),
    Failure("too few hugepages", (*HUGEPAGES, "-m", "1024"), ("1024MB", "128MB", "--reserve"),
            mounted(FAKE_HUGEPAGES.format(reserved=64, free=64) + HUGETLBFS.format(mode=1777))),
    Failure("hugetlbfs that may not be read", HUGEPAGES, ("may not read the hugetlbfs", "1777", "--in-memory"),
            mounted("umount -a -t hugetlbfs; " + FAKE_HUGEPAGES.format(reserved=64, free=64) +
                    HUGETLBFS.format(mode=700)) + NOBODY),
    Failure("--huge-dir that is none", (*HUGEPAGES, "--huge-dir=/run/tests"), ("--huge-dir", "findmnt"),
            mounted(FAKE_HUGEPAGES.format(reserved=64, free=64) + HUGETLBFS.format(mode=1777))),
    Failure("few descriptors", (*NO_NIC, NULL), ("only 20 file descriptors", "ulimit -n 1024"),
            ("prlimit", "--nofile=20")),
    Failure("no such mempool handler", (*NO_NIC, "--mbuf-pool-ops-name=zz", NULL),
            ("no mempool handler 'zz'", "--mbuf-pool-ops-name", "^((?!raise).)*$")),
    Failure("no thread", (*NO_NIC, NULL), ("thread", "ulimit -u"), ("prlimit", "--nproc=1") + NOBODY),
    Failure("af_packet, no interface", (*NO_NIC, "--vdev=net_af_packet0,iface=none0"),
            ("net_af_packet0: .*interface .*not exist", "ip link")),
    Failure("af_packet, no iface=", (*NO_NIC, "--vdev=net_af_packet0"), ("does not say why", "guide")),
    Failure("af_xdp, no such queue", (*NO_NIC, "--vdev=net_af_xdp0,iface=wire,start_queue=7"),
            ("libxdp", "start_queue")),
    Failure("af_xdp, no interface", (*NO_NIC, "--vdev=net_af_xdp0,iface=none0"), ("interface", "ip link")),
    Failure("tap, /dev/net/tun of root", (*NO_NIC, "--vdev=net_tap0"), ("may not open /dev/net/tun", "chmod"),
            mounted("mount -t tmpfs none /dev/net; mknod -m 600 /dev/net/tun c 10 200") + NOBODY),
    Failure("tap, name taken", (*NO_NIC, "--vdev=net_tap0,iface=wire"), ("interface wire", "iface=NAME")),
    Failure("memif, no folder", (*NO_NIC, "--vdev=net_memif0,socket=/none/a.sock,socket-abstract=no,role=server"),
            ("folder of socket=", "make it")),
    Failure("memif, name taken", (*NO_NIC, "--vdev=net_memif0,socket=/run/taken,socket-abstract=no,role=server"),
            ("/run/taken: there is something that is not a socket", "choose another path"),
            mounted("mount -t tmpfs none /run; touch /run/taken")),
    Failure("vhost, folder of root", (*NO_NIC, "--vdev=net_vhost0,iface=/run/a.sock"),
            ("may not make /run/a.sock", "iface=PATH"), NOBODY),
    Failure("vhost, name taken", (*NO_NIC, "--vdev=net_vhost0,iface=/run/taken"),
            ("/run/taken: there is something that is not a socket", "choose another path"),
            mounted("mount -t tmpfs none /run; touch /run/taken")),
    Failure("virtio_user, nobody there", (*NO_NIC, "--vdev=net_virtio_user0,path=/run/none.sock"),
            ("nobody listens", "vhost side first")),
    Failure("virtio_user, no path=", (*NO_NIC, "--vdev=net_virtio_user0"), ("path=SOCKET",)),
    Failure("pcap, no capability", (*NO_NIC, "--vdev=net_pcap0,iface=wire"), ("CAP_NET_RAW", "sudo"),
            without("net_raw")),
    Failure("pcap, no interface", (*NO_NIC, "--vdev=net_pcap0,iface=none0"), ("no interface none0;", "ip link")),
    Failure("pcap, no file", (*NO_NIC, "--vdev=net_pcap0,rx_pcap=/none.pcap,tx_pcap=/run/tests/out.pcap"),
            ("/none.pcap cannot be read .No such file", "rx_pcap=")),
    Failure("pcap, no folder", (*NO_NIC, "--vdev=net_pcap0,rx_iface=wire,tx_pcap=/none/out.pcap"),
            ("/none/out.pcap cannot be written", "tx_pcap=")),
    Failure("bond, no such member", (*NO_NIC, "--vdev=net_bonding0,mode=1,slave=none"),
            ("its driver says: .*net_bonding0",)),
)


@pytest.fixture(scope="module", autouse=True)
def surroundings():
    with veth_pair("wire", "wire-peer"):
        yield


@pytest.fixture
def assert_explained(start, l2_multi_echo, monkeypatch):
    def assert_failure(failure):
        if failure.needs_nobody() and not may_be_run_by_nobody(l2_multi_echo):
            pytest.skip(f"{l2_multi_echo} is in a folder that other users cannot access")
        if failure.runtime_folder:
            monkeypatch.setenv("XDG_RUNTIME_DIR", failure.runtime_folder)
        process = start(*failure.before, l2_multi_echo, *failure.eal, "--lcores", two_workers())
        assert_fails(process, FAILURE, *failure.words)

    return assert_failure


def may_be_run_by_nobody(program):
    path = pathlib.Path(program)
    return path.stat().st_mode & 0o005 == 0o005 and all(folder.stat().st_mode & 0o001 for folder in path.parents)


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.name)
def test_failure_says_what_to_do(assert_explained, failure):
    assert_explained(failure)


@pytest.mark.long
@pytest.mark.parametrize("failure", MORE_FAILURES, ids=lambda failure: failure.name)
def test_further_failure_says_what_to_do(assert_explained, failure):
    assert_explained(failure)


def test_missing_device_among_others_is_a_warning(start, l2_multi_echo):
    process = start(l2_multi_echo, *NO_NIC, NULL, "--vdev=net_virtio_user0", "--lcores", two_workers(), "--",
                    "--duration", "10ms")
    process.end_cleanly(20)
    assert "warning: EAL could not create net_virtio_user0: net_virtio_user needs the vhost socket; add path=SOCKET" \
        in process.stderr()
