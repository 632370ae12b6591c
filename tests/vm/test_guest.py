"""A guest that does not boot is started again on the same wires."""

import socket
import stat

import pytest
from guest import BOOT_ATTEMPTS, BOOT_SECONDS, KVM_DIED, Monitor, QemuEnded, boot_guest
from wires import TapWire

MAC = "52:54:00:00:00:07"
QUEUES = 2


@pytest.fixture
def wire():
    wire = TapWire("vmtap-again", MAC, QUEUES)
    yield wire
    wire.close()


@pytest.fixture
def boot_with(guest_folder, machine_qemu, tmp_path, wire):
    """boot_with(SCRIPT) boots a guest whose QEMU is replaced by this shell script, except in the last attempt."""
    guests = []

    def boot(script, seconds):
        qemu = tmp_path / "qemu"
        qemu.write_text(f"""#!/bin/bash
            echo >>{tmp_path}/starts
            (($(wc -l <{tmp_path}/starts) == {BOOT_ATTEMPTS})) || {{ {script}
            }}
            exec {" ".join(machine_qemu)} "$@" """)
        qemu.chmod(stat.S_IRWXU)
        guests.append(boot_guest([str(qemu)], guest_folder, tmp_path, "again", (wire,), boot_seconds=seconds, devices=(
            "-netdev", wire.netdev("wire"), "-device",
            f"virtio-net-pci,netdev=wire,mac={MAC},mq=on,disable-legacy=on,romfile=")))
        return guests[-1]

    yield boot
    for guest in guests:
        guest.close()


HANGS = 'exec qemu-system-x86_64 -S "$@"'


@pytest.mark.long
@pytest.mark.parametrize(("script", "reason", "seconds"), [
    pytest.param('timeout -s KILL 1 qemu-system-x86_64 "$@"; exit 1', "QEMU", BOOT_SECONDS, id="ends"),
    pytest.param(f"echo '{KVM_DIED}' >&2; {HANGS}", KVM_DIED, BOOT_SECONDS, id="KVM dies"),
    pytest.param(HANGS, "no start of the guest within", 20.0, id="hangs"),
])
def test_guest_boots_in_the_last_attempt(boot_with, script, reason, seconds):
    with pytest.warns(UserWarning, match=reason) as warnings:
        guest = boot_with(script, seconds)
    assert len(warnings) == BOOT_ATTEMPTS - 1
    assert guest.pci_address("1af4:1041")


def test_silent_monitor_is_an_error_soon():
    ours, _silent = socket.socketpair()
    with pytest.raises(QemuEnded, match="does not answer"):
        Monitor(ours, 0.1)
