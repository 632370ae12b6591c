"""A virtual machine under QEMU, with two serial lines and a monitor."""

import dataclasses
import itertools
import json
import os
import pathlib
import re
import shlex
import socket
import subprocess
import tempfile
import warnings

from tests.harness.program_under_test import die_with_parent, wait_until

BOOT_SECONDS = 60.0  # booting takes 3 s on an idle machine
BOOT_ATTEMPTS = 3
COMMAND_SECONDS = 60.0  # starting a program takes 2 s on an idle machine
READY = r"^L2ECHO: Ready: echoing on \d+ ports?$"
CTRL_C = "\x03"

KVM, TCG = "kvm", "tcg"
KVM_DIED = "KVM internal error"
MACHINE = ("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-smp", "4", "-m", "1024")
# no_timer_check: on a busy host the timer interrupt is late, and the kernel's check of it would end in a panic.
KERNEL_ARGUMENTS = "quiet panic=-1 mitigations=off cryptomgr.notests no_timer_check"


@dataclasses.dataclass(frozen=True)
class Architecture:
    options: dict  # by accelerator
    iommu: tuple
    iommu_arguments: str
    console: str  # the serial line's name in the guest
    commands: str
    commands_device: str


ARCHITECTURES = {
    "x86_64": Architecture(
        {
            # Debian's DPDK is compiled for Nehalem, which is emulated faster than newer CPUs.
            TCG: ("-machine", "q35", "-cpu", "Nehalem"),
            # The vIOMMU cannot remap interrupts that KVM delivers itself.
            KVM: ("-machine", "q35,kernel-irqchip=split", "-cpu", "host"),
        },
        ("-device", "intel-iommu,intremap=on,caching-mode=on"), "intel_iommu=on iommu=nopt", "ttyS0", "ttyS1",
        "isa-serial"),
    # vfio requires interrupt isolation, which GICv3 has and GICv2 does not.
    "aarch64": Architecture(
        {TCG: ("-machine", "virt,gic-version=3", "-cpu", "cortex-a72")}, ("-machine", "iommu=smmuv3"), "", "ttyAMA0",
        "ttyS0", "pci-serial"),
}


class QemuEnded(AssertionError):
    pass


class SerialLine:
    """The guest's output goes to a log file that is kept; its input comes from a FIFO."""

    def __init__(self, log, path):
        self.log = pathlib.Path(log)
        self.log.write_bytes(b"")
        self._path = path
        os.mkfifo(f"{path}.in")
        os.symlink(self.log, f"{path}.out")
        self._input = os.open(f"{path}.in", os.O_RDWR)

    def chardev(self, name):
        return f"pipe,id={name},path={self._path}"  # QEMU appends .in and .out to the path

    def write(self, text):
        os.write(self._input, text.encode())

    def size(self):
        return self.log.stat().st_size

    def text(self, start=0):
        with open(self.log, "rb") as log:
            log.seek(start)
            return log.read().decode(errors="replace").replace("\r", "")

    def close(self):
        os.close(self._input)


class Monitor:
    """QEMU's machine protocol (QMP) on a socket."""

    def __init__(self, connection, timeout):
        connection.settimeout(timeout)
        self._stream = connection.makefile("rw", encoding="utf-8")
        self._events = []
        self._read()  # the greeting
        self("qmp_capabilities")

    def __call__(self, command, **arguments):
        try:
            self._stream.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
            self._stream.flush()
        except OSError as error:
            raise QemuEnded(f"QEMU accepts no commands: {error}") from error
        while True:
            answer = self._read()
            assert "error" not in answer, f"{command} {arguments}: {answer['error']}"
            if "return" in answer:
                return answer["return"]
            self._events.append(answer)

    def wait_for_event(self, name, timeout):
        """Waits for the event; the stream's own timeout applies if nothing at all arrives."""
        def event():
            while self._events:
                if self._events[0]["event"] == name:
                    return self._events.pop(0)
                self._events.pop(0)
            self._events.append(self._read())
            return None

        return wait_until(event, f"event {name}", timeout)

    def _read(self):
        try:
            line = self._stream.readline()
        except ConnectionError:
            line = ""
        except TimeoutError as error:
            raise QemuEnded("QEMU does not answer") from error
        if not line:
            raise QemuEnded("QEMU closed its monitor")
        return json.loads(line)


class Guest:
    """A guest that runs from construction to close()."""

    def __init__(self, qemu, folder, log_folder, name, *, devices, iommu=True, accelerator=TCG, threads="single",
                 hugepages=200, tools=False, file_descriptors=(), boot_seconds=BOOT_SECONDS):
        self._folder = tempfile.TemporaryDirectory(prefix="l2echo-vm-")
        inside = pathlib.Path(self._folder.name)
        self.console = SerialLine(log_folder / f"{name}.console", inside / "console")
        self._control = SerialLine(log_folder / f"{name}.commands", inside / "commands")
        self._errors = log_folder / f"{name}.qemu"
        architecture = ARCHITECTURES[(folder / "machine").read_text(encoding="ascii").strip()]
        self.console_name = architecture.console
        initrd = inside / "initrd"
        parts = ("system", "programs", *(("tools",) if tools else ()))
        initrd.write_bytes(b"".join((folder / f"{part}.cpio").read_bytes() for part in parts))
        monitor, for_qemu = socket.socketpair()
        command = [
            *qemu, *MACHINE, *architecture.options[accelerator],
            "-accel", accelerator if accelerator == KVM else f"{TCG},thread={threads}",
            *(architecture.iommu if iommu else ()),
            "-kernel", str(folder / "vmlinuz"), "-initrd", str(initrd),
            "-append", f"console={architecture.console} commands={architecture.commands} {KERNEL_ARGUMENTS} "
                       f"hugepages={hugepages} {architecture.iommu_arguments if iommu else ''}",
            "-chardev", self.console.chardev("console"), "-serial", "chardev:console",
            "-chardev", self._control.chardev("control"), "-device", f"{architecture.commands_device},chardev=control",
            "-chardev", f"socket,id=monitor,fd={for_qemu.fileno()}", "-mon", "chardev=monitor,mode=control",
            *devices,
        ]
        with open(self._errors, "wb") as errors:
            errors.write((shlex.join(command) + "\n").encode())
            errors.flush()
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors,
                                             preexec_fn=die_with_parent,
                                             pass_fds=(for_qemu.fileno(), *file_descriptors))
        for_qemu.close()
        self._monitor_socket = monitor
        try:
            self.monitor = Monitor(monitor, min(boot_seconds, COMMAND_SECONDS))
            self.wait_for(lambda: "guest: ready\n" in self._control.text(), "start of the guest", boot_seconds)
        except BaseException:
            self.close()
            raise

    def close(self):
        self._process.kill()
        self._process.wait()
        self._monitor_socket.close()
        self.console.close()
        self._control.close()
        self._folder.cleanup()

    def wait_for(self, probe, what, timeout=COMMAND_SECONDS):
        """Like wait_until, but fails at once if QEMU ends, and shows the end of the console."""
        def value_or_end():
            if self._process.poll() is not None:
                raise QemuEnded(f"QEMU ended with status {self._process.returncode} before {what}:\n"
                                f"{self._errors.read_text(errors='replace')}")
            if KVM_DIED in self._errors.read_text(errors="replace"):  # QEMU keeps running, but does nothing more
                raise QemuEnded(f"{KVM_DIED} before {what}; see {self._errors}")
            return probe()

        try:
            return wait_until(value_or_end, what, timeout)
        except AssertionError as error:
            if isinstance(error, QemuEnded):
                raise
            end = "\n".join(self.console.text().splitlines()[-25:])
            raise AssertionError(f"{error}; the end of {self.console.log}:\n{end}") from None

    def run(self, command, timeout=COMMAND_SECONDS):
        """Exit status and output of a shell command; one at a time."""
        start = self._control.size()
        self._control.write(command + "\n")
        done = self.wait_for(
            lambda: re.search(r"^guest: done (\d+)\n", self._control.text(start), re.MULTILINE), f"end of '{command}'",
            timeout)
        return int(done[1]), self._control.text(start)[:done.start()]

    def succeed(self, command, timeout=COMMAND_SECONDS):
        """Output of a command that must succeed."""
        status, output = self.run(command, timeout)
        assert status == 0, f"'{command}' ended with status {status}: {output}"
        return output

    def pci_address(self, vendor_and_device, nth=0):
        """Address of the nth PCI function with this "vendor:device"."""
        vendor, device = vendor_and_device.split(":")
        lines = self.succeed("cd /sys/bus/pci/devices; grep -H . */vendor */device").splitlines()
        found = dict(line.split(":0x") for line in lines)  # "0000:01:00.0/vendor" -> "1af4"
        matching = sorted(name.removesuffix("/vendor") for name, value in found.items()
                          if name.endswith("/vendor") and value == vendor
                          and found[name.replace("/vendor", "/device")] == device)
        return matching[nth]

    def bind(self, address, driver):
        """Binds a PCI function to a kernel driver, or to none ("")."""
        device = f"/sys/bus/pci/devices/{address}"
        self.succeed(f"if [ -e {device}/driver ]; then echo {address} >{device}/driver/unbind; fi")
        if driver:
            if driver == "vfio-pci":  # a soft dependency of vfio-pci, which busybox's modprobe ignores
                self.succeed("modprobe vfio_iommu_type1")
            self.succeed(f"modprobe {driver}; echo {driver} >{device}/driver_override")
            self.run(f"echo {address} >/sys/bus/pci/drivers_probe")

    def driver_of(self, address):
        return self.succeed(f"basename $(readlink /sys/bus/pci/devices/{address}/driver || echo none)").strip()


def boot_guest(qemu, folder, log_folder, name, wires, **settings):
    """Boots a guest on these wires, and retries if it does not start.

    None of our code runs until then, and QEMU has bugs of its own: with threads="multi" on a busy machine, one boot in
    several hundred hangs with all CPUs at a breakpoint that the guest's kernel has already removed from its code (QEMU
    7.2).
    """
    descriptors = [descriptor for wire in wires for descriptor in wire.file_descriptors]
    for attempt in itertools.count(1):
        for wire in wires:
            wire.make_ready()
        try:
            log_name = name if attempt == 1 else f"{name}-{attempt}"
            return Guest(qemu, folder, log_folder, log_name, file_descriptors=descriptors, **settings)
        except AssertionError as error:
            if attempt == BOOT_ATTEMPTS:
                raise
            warnings.warn(f"attempt {attempt} to start {name} failed, retrying: {error}")


ENDED = r"guest: exit status (\d+)\r?\n"  # a whole line, because its parts may arrive separately


class GuestProgram:
    """A program in the guest. Its stderr is the console; stdout is a file in the guest. Give the name of its process
    if the command does not begin with it."""

    def __init__(self, guest, command, *, on_terminal=False, name=None):
        self._guest = guest
        self._name = name or pathlib.PurePath(command.split()[0]).name
        self._start = guest.console.size()
        console = f"/dev/{guest.console_name}"
        if on_terminal:  # as a user sees it; Ctrl-C works
            # stty waits for the output to drain: when the session leader exits, the rest is discarded.
            script = f"trap : INT; {command}; status=$?; stty sane; exit $status"
            started = f"setsid -c sh -c {shlex.quote(script)} <{console} >{console} 2>&1"
        else:
            started = f"{command} >/tmp/stdout 2>{console}"
        guest.succeed(f"({started}; echo guest: exit status $? >{console}) &")

    def console(self):
        """Console output since the program's start."""
        return self._guest.console.text(self._start)

    def wait_for_line(self, pattern, timeout=COMMAND_SECONDS):
        """Waits for a line; fails at once if the program ends."""
        def line_or_end():
            text = self.console()
            found = re.search(pattern, text, re.MULTILINE)
            assert found or not re.search(ENDED, text), f"the program ended without a line '{pattern}'"
            return found

        return self._guest.wait_for(line_or_end, f"line '{pattern}'", timeout)

    def wait_until_ready(self):
        self.wait_for_line(READY)
        return self

    def wait(self, timeout=COMMAND_SECONDS):
        """The exit status."""
        return int(self.wait_for_line(ENDED, timeout)[1])

    def stop(self):
        """Sends SIGINT, as Ctrl-C does; returns the exit status."""
        self._guest.succeed(f"killall -INT {self._name}")
        return self.wait()

    def kill(self):
        """Cleans up after a failed test."""
        self._guest.run(f"killall -KILL {self._name}")

    def reports(self):
        """The complete JSON reports of l2_multi_echo so far."""
        lines = self._guest.succeed("cat /tmp/stdout").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def final(self):
        report = self.reports()[-1]
        assert report["type"] == "final", report
        return report

    def error_line(self):
        lines = re.findall(r"^l2_(?:echo|multi_echo|probe): error: .*$", self.console(), re.MULTILINE)
        assert len(lines) == 1, self.console()
        return lines[0]
