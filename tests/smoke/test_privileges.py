"""Which capabilities each kind of port needs, as an ordinary user: no more, and an error names the missing one."""

import contextlib
import os
import shutil
import struct

import pytest

from tests.harness.kernel_interfaces import veth_pair
from tests.harness.kernel_peer import KernelPeer
from tests.harness.program_under_test import (FAILURE, LIBC, NO_NIC, assert_balanced, assert_fails, die_with_parent,
                                              two_workers)

NOBODY = 65534
CAP_NET_ADMIN, CAP_NET_RAW, CAP_IPC_LOCK, CAP_SYS_ADMIN = 12, 13, 14, 21
NAMES = {CAP_NET_ADMIN: "CAP_NET_ADMIN", CAP_NET_RAW: "CAP_NET_RAW", CAP_SYS_ADMIN: "CAP_SYS_ADMIN"}
PR_SET_KEEPCAPS, PR_SET_NO_NEW_PRIVS, PR_CAPBSET_DROP, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 8, 38, 24, 47, 2
LAST_CAPABILITY = 40
VETH, PEER = "veth-echo", "veth-peer"

#: Device, kernel interface of the other end, and the capabilities that it needs.
PORTS = {
    "net_null": ("net_null0", None, ()),
    "net_ring": ("net_ring0", None, ()),
    "net_memif": ("net_memif0,role=server,socket-abstract=yes,socket=@l2echo-privileges", None, ()),
    "net_tap": ("net_tap0,iface=privtap", "privtap", (CAP_NET_ADMIN,)),
    "net_pcap": (f"net_pcap0,iface={VETH}", PEER, (CAP_NET_RAW,)),
    "net_af_packet": (f"net_af_packet0,iface={VETH}", PEER, (CAP_NET_RAW, CAP_NET_ADMIN)),
    "net_af_xdp": (f"net_af_xdp0,iface={VETH}", PEER, (CAP_NET_RAW, CAP_NET_ADMIN, CAP_SYS_ADMIN)),
}


def become(capabilities, bounding=(), no_new_privileges=True):
    """A function for a child process: user nobody with these ambient capabilities."""

    def run():
        LIBC.prctl(PR_SET_KEEPCAPS, 1)
        for capability in range(LAST_CAPABILITY + 1):
            if capability not in (*capabilities, *bounding):
                LIBC.prctl(PR_CAPBSET_DROP, capability)
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        bits = sum(1 << capability for capability in capabilities)
        header, sets = struct.pack("Ii", 0x20080522, 0), struct.pack("III", bits, bits, bits) + bytes(12)
        assert LIBC.capset(header, sets) == 0
        for capability in capabilities:
            assert LIBC.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) == 0
        if no_new_privileges:
            LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        die_with_parent()  # a change of the user clears it

    return run


@pytest.fixture
def program(l2_multi_echo, tmp_path_factory):
    """A copy that every user may execute."""
    folder = tmp_path_factory.mktemp("program")
    for parent in (folder, folder.parent, folder.parent.parent):
        parent.chmod(0o755)
    return shutil.copy(l2_multi_echo, folder / "l2_multi_echo")


@pytest.fixture
def start_as_nobody(start, program):
    def start_it(device, preexec):
        return start(program, *NO_NIC, "--no-telemetry", f"--vdev={device}", "--lcores", two_workers(), "--",
                     "--format", "json", preexec=preexec)

    return start_it


@contextlib.contextmanager
def interfaces(device):
    with veth_pair(VETH, PEER) if VETH in device else contextlib.nullcontext():
        yield


def skip_without(device):
    if device.startswith("net_af_xdp") and not os.path.isdir("/usr/lib/x86_64-linux-gnu/bpf"):
        pytest.skip("libxdp has no programs here")


@pytest.mark.parametrize("port", PORTS)
def test_port_works_with_exactly_these_capabilities(start_as_nobody, port):
    device, interface, capabilities = PORTS[port]
    skip_without(device)
    with interfaces(device):
        process = start_as_nobody(device, become(capabilities)).wait_until_ready()
        if interface:
            with KernelPeer(interface) as peer:
                assert peer.exchange(100, window=1).returned == 100
        assert_balanced(process.stop())


MISSING = [(port, capability) for port, (_, _, capabilities) in PORTS.items() for capability in capabilities]


@pytest.mark.parametrize("port, missing", MISSING, ids=lambda value: NAMES.get(value, value))
def test_missing_capability_is_named(start_as_nobody, port, missing):
    device, _, capabilities = PORTS[port]
    skip_without(device)
    with interfaces(device):
        process = start_as_nobody(device, become(set(capabilities) - {missing}))
        assert_fails(process, FAILURE, f"{port}.* needs .*{NAMES[missing]}")


def set_file_capability(path, capability, effective):
    """What setcap does: struct vfs_cap_data of linux/capability.h, revision 2."""
    content = struct.pack("<IIIII", 0x02000000 | effective, 1 << capability, 0, 0, 0)
    os.setxattr(path, "security.capability", content)


@pytest.mark.parametrize("effective", [0, 1], ids=["permitted", "effective"])
@pytest.mark.parametrize("bounding", [(CAP_IPC_LOCK,), ()], ids=["granted", "dropped"])
def test_file_capability_is_raised_where_it_is_granted(start_as_nobody, program, bounding, effective):
    set_file_capability(program, CAP_IPC_LOCK, effective)
    start_it = become((), bounding, no_new_privileges=False)
    if effective and not bounding:
        with pytest.raises(PermissionError):
            start_as_nobody("net_null0", start_it)
        return
    process = start_as_nobody("net_null0", start_it).wait_until_ready()
    assert ("Memory is not locked" in process.stderr()) is not bool(bounding)
    process.stop()
