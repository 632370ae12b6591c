"""Models the machine that the checks read, their findings, and the steps that change something.

Only do() of a step changes the machine, and only settle() calls it.
"""

import dataclasses
import glob
import os
import pathlib
import re
import shlex
import shutil
import subprocess

from whole_file import replace_text

OK, NOTE, ACTION, REFUSED, FAILED = "ok", "note", "action needed", "refused", "failed"


def search_path():
    """Returns PATH with the folders of ip and modprobe, which a user's PATH may lack."""
    return os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))


class SetupError(Exception):
    """One line for the user: what failed, why, what to do."""


class Machine:
    """Reads files below a root folder (another one in tests) and runs commands."""

    def __init__(self, root="/"):
        self._root = pathlib.Path(root)

    def path(self, name):
        return self._root / str(name).lstrip("/")

    def exists(self, name):
        return self.path(name).exists()

    def read(self, name, default=""):
        try:
            return self.path(name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return default

    def number(self, name):
        text = self.read(name).strip()
        return int(text) if text.lstrip("-").isdigit() else 0

    def glob(self, pattern):
        """Lists the names below the root that match, sorted, without the root."""
        found = glob.glob(str(self.path(pattern)))
        return sorted("/" + str(pathlib.Path(name).relative_to(self._root)) for name in found)

    def link_name(self, name):
        """Returns the last part of the target of a symbolic link, as sysfs names drivers and groups, or None."""
        path = self.path(name)
        return os.path.basename(os.path.realpath(path)) if path.exists() else None

    @staticmethod
    def which(program):
        return shutil.which(program, path=search_path())

    @staticmethod
    def run(*command):
        """Returns the output of the command; SetupError if it cannot be run or fails."""
        environment = {**os.environ, "PATH": search_path(), "LC_ALL": "C.UTF-8"}
        try:
            result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False,
                                    stdin=subprocess.DEVNULL)
        except OSError as error:
            raise SetupError(f"{command[0]}: {error.strerror}") from error
        if result.returncode != 0:
            raise SetupError(f"{shlex.join(command)}: {last_line(result.stderr + result.stdout)}")
        return result.stdout + result.stderr


def last_line(text):
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else "it says nothing"


@dataclasses.dataclass(frozen=True)
class Run:
    """A command for root."""
    command: tuple

    def shown(self):
        return shlex.join(("sudo", *self.command))

    def do(self, machine):
        return machine.run(*self.command)


@dataclasses.dataclass(frozen=True)
class Write:
    """A file with this content; its folder is created if it is missing."""
    path: str
    text: str
    folder_is_new: bool = False  # the folder does not exist on a fresh system

    def shown(self):
        lines = " ".join(shlex.quote(line) for line in self.text.splitlines())
        folder = f"sudo mkdir -p {os.path.dirname(self.path)} && " if self.folder_is_new else ""
        return f"{folder}printf '%s\\n' {lines} | sudo tee {self.path}"

    def do(self, machine):
        path = machine.path(self.path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if self.path.startswith("/sys/"):  # a kernel switch: write to it directly
                path.write_text(self.text, encoding="utf-8")
            else:
                replace_text(path, self.text)
        except OSError as error:
            raise SetupError(f"{self.path}: {error.strerror}") from error
        return ""


@dataclasses.dataclass(frozen=True)
class ByHand:
    """A command that is only shown: it reboots, or needs a decision by the user."""
    command: str

    def shown(self):
        return self.command


@dataclasses.dataclass(frozen=True)
class Finding:
    check: str
    subject: str
    state: str
    text: str
    steps: tuple = ()
    changed: bool = False

    def commands(self):
        return [step.shown() for step in self.steps]

    def is_automatic(self):
        return self.state == ACTION and bool(self.steps) and not any(isinstance(step, ByHand) for step in self.steps)

    def needs_action(self):
        return self.state not in (OK, NOTE)


def settle(check, machine, apply):
    """Returns what a check finds; with apply, after its steps."""
    finding = check(machine)
    if not apply or not finding.is_automatic():
        return finding
    said = ""
    try:
        for step in finding.steps:
            said = step.do(machine) or said
    except SetupError as error:
        return dataclasses.replace(finding, state=FAILED, text=f"{finding.text}; {error}", steps=())
    after = check(machine)
    if after.needs_action():
        answer = f"; the last command said: {last_line(said)}" if said.strip() else ""
        return dataclasses.replace(after, state=FAILED, text=f"{after.text}, even now{answer}", steps=())
    return dataclasses.replace(after, changed=True)


def kernel_command_line(machine, topic, words):
    """Returns advice and steps for adding words to the kernel command line."""
    advice = f"add {words} to the kernel command line and reboot"
    if not machine.exists("/etc/default/grub"):
        return advice, ()
    line = f'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX {words}"'
    return advice, (ByHand(f"sudo mkdir -p /etc/default/grub.d && echo {shlex.quote(line)} | sudo tee "
                           f"/etc/default/grub.d/l2echo-{topic}.cfg && sudo update-grub && sudo reboot"),)


MAX_CPU = 8191  # NR_CPUS of the kernel is 8192 at most


def parse_cpu_list(text):
    """Returns the CPUs of a list in the form of the kernel and EAL: 0-2,5; ValueError if it is not one."""
    cpus = set()
    for part in text.strip().split(",") if text.strip() else ():
        match = re.fullmatch(r"([0-9]{1,4})(?:-([0-9]{1,4}))?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not first <= last <= MAX_CPU:
            raise ValueError(f"'{part}' is no CPU and no range of CPUs")
        cpus.update(range(first, last + 1))
    return cpus


def format_cpu_list(cpus):
    parts = []
    for cpu in sorted(cpus):
        if parts and parts[-1][1] == cpu - 1:
            parts[-1][1] = cpu
        else:
            parts.append([cpu, cpu])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)
