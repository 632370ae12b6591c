"""Selects how guests run: on this machine's CPU (KVM), or emulated (TCG). KVM is used only after a successful trial.

An accessible /dev/kvm proves little: inside a virtual machine, guests may still crash.
"""

import os
import pathlib
import platform
import sys
import time

from guest import KVM, TCG, Guest

VARIABLE = "L2ECHO_VM_ACCELERATOR"
DEVICE = "/dev/kvm"
PROBE = "kvm-probe"
PROBE_SECONDS = 15.0


def boots_under_kvm(qemu, folder, log_folder, seconds=PROBE_SECONDS):
    """Raises AssertionError or OSError unless a guest boots and runs a DPDK program within that time."""
    deadline = time.monotonic() + seconds
    guest = Guest(qemu, folder, log_folder, PROBE, devices=(), accelerator=KVM, boot_seconds=seconds)
    try:
        guest.succeed("./build/l2_multi_echo --help", timeout=deadline - time.monotonic())
    finally:
        guest.close()


def choose(probe, device=DEVICE):
    """The accelerator and the reason for the choice."""
    wanted = os.environ.get(VARIABLE)
    if wanted:
        if wanted not in (KVM, TCG):
            raise ValueError(f"{VARIABLE}={wanted} is not an accelerator; choose {KVM} or {TCG}")
        return wanted, f"{VARIABLE} says so"
    try:
        os.close(os.open(device, os.O_RDWR))
    except OSError as error:
        return TCG, f"{device}: {error.strerror}"
    try:
        probe()
    except (AssertionError, OSError) as error:
        first = (str(error) or repr(error)).splitlines()[0]
        return TCG, f"KVM does not work here ({PROBE}.qemu and .console say more): {first}"
    return KVM, "a guest started and ran a program under it"


def main():
    """Prints the accelerator for the guests in L2ECHO_GUEST, and the reason on stderr."""
    folder, logs = pathlib.Path(os.environ["L2ECHO_GUEST"]), pathlib.Path(os.environ["L2ECHO_VM_LOGS"])
    try:
        machine = (folder / "machine").read_text(encoding="ascii").strip()
        if machine == platform.machine() == "x86_64":
            name, why = choose(lambda: boots_under_kvm(["qemu-system-x86_64"], folder, logs))
        else:
            name, why = TCG, f"they are for {machine}"
    except FileNotFoundError as error:
        sys.exit(f"accelerator: error: no guest is in {folder} ({error.strerror}); make it with tests/vm/make-guest")
    except ValueError as error:
        sys.exit(f"accelerator: error: {error}")
    print(f"Guests run under {name}: {why}", file=sys.stderr)
    print(name)


if __name__ == "__main__":
    main()
