"""Locates the files of the guest, and boots guests that run during the tests of a module."""

import contextlib
import os
import pathlib
import subprocess

import pytest

from accelerator import VARIABLE
from guest import GuestProgram, boot_guest

GUEST_FOLDER = pathlib.Path(os.environ.get("L2ECHO_GUEST", "."))


def pytest_configure(config):
    machine = os.environ.get("L2ECHO_MACHINE_NAMESPACE")  # the namespace in which tests/vm/run was started
    if machine in (None, os.readlink("/proc/self/ns/net")):
        pytest.exit("the tests make taps: start them with tests/vm/run BUILD_DIR, which gives them a network namespace",
                    returncode=2)
    if not (GUEST_FOLDER / "machine").exists():
        pytest.exit(f"no guest is in {GUEST_FOLDER}: make it with tests/vm/make-guest", returncode=2)


@pytest.fixture(scope="session")
def guest_folder():
    return GUEST_FOLDER


@pytest.fixture(scope="session")
def machine_qemu():
    return ["qemu-system-x86_64"]


@pytest.fixture(scope="session")
def arm_qemu(guest_folder):
    """This machine's QEMU, or the one that make-guest unpacked."""
    unpacked = guest_folder / "qemu-aarch64/usr/bin/qemu-system-aarch64"
    return [str(unpacked) if unpacked.exists() else "qemu-system-aarch64"]


@pytest.fixture(scope="session")
def igb_qemu(machine_qemu, guest_folder):
    """This machine's QEMU if it supports the NIC, else the one that make-guest unpacked; None if neither exists."""
    unpacked = guest_folder / "qemu-igb" / "usr"
    for command in (machine_qemu, [str(unpacked / "bin" / "qemu-system-x86_64"), "-L", str(unpacked / "share/qemu"),
                                   "-L", str(unpacked / "share/seabios")]):
        with contextlib.suppress(FileNotFoundError):
            help_text = subprocess.run((*command, "-machine", "none", "-device", "igb,help"), capture_output=True,
                                       text=True, check=False, timeout=20)
            if "igb" in help_text.stdout:
                return command
    return None


@pytest.fixture(scope="session")
def logs():
    return pathlib.Path(os.environ["L2ECHO_VM_LOGS"])


@pytest.fixture(scope="session")
def accelerator():
    """tests/vm/run tries KVM once per run."""
    return os.environ[VARIABLE]


@pytest.fixture(scope="session")
def boot(guest_folder, accelerator, logs):
    """boot(NAME, QEMU, WIRES, devices=...) boots a guest."""

    def start(name, qemu, wires, **settings):
        return boot_guest(qemu, guest_folder, logs, name, wires, accelerator=accelerator, **settings)

    return start


@pytest.fixture
def start(guest):
    """start(COMMAND) runs a program in the guest that ends with the test at the latest."""
    programs = []

    def start_program(command, **settings):
        programs.append(GuestProgram(guest, command, **settings))
        return programs[-1]

    yield start_program
    for program in programs:
        program.kill()


@pytest.fixture
def bind(guest):
    """bind(VENDOR_AND_DEVICE) binds a NIC to vfio-pci until the test ends."""
    addresses = []

    def bind_to_vfio(vendor_and_device):
        addresses.append(guest.pci_address(vendor_and_device))
        guest.bind(addresses[-1], "vfio-pci")
        assert guest.driver_of(addresses[-1]) == "vfio-pci"
        return addresses[-1]

    yield bind_to_vfio
    for address in addresses:
        guest.bind(address, "")
