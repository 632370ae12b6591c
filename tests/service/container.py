"""A machine that systemd has booted, in a podman container without a network."""

import os
import pathlib
import shlex
import subprocess
import uuid

from tests.harness.program_under_test import wait_until

FOLDER = pathlib.Path(os.environ["L2ECHO_SERVICE"])
PACKAGES = pathlib.Path(os.environ["L2ECHO_PACKAGES"])
IMAGE = "localhost/l2echo-service"
BOOT_SECONDS, COMMAND_SECONDS = 60, 120
CGROUP_PARENT = os.environ["L2ECHO_CGROUP"]


def podman(*arguments, check=True, seconds=COMMAND_SECONDS):
    own = ("--root", str(FOLDER / "podman/store"), "--runroot", str(FOLDER / "podman/run"),
           "--tmpdir", str(FOLDER / "podman/tmp"), "--storage-driver", os.environ["L2ECHO_STORAGE_DRIVER"])
    done = subprocess.run(("podman", *own, *arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, timeout=seconds)
    assert not check or done.returncode == 0, f"podman {shlex.join(arguments)}: {done.stdout}"
    return done.returncode, done.stdout


def prepare_image():
    if podman("image", "exists", IMAGE, check=False)[0] != 0:
        podman("import", str(FOLDER / "image.tar"), IMAGE, seconds=300)


class Container:
    def __init__(self):
        self._name = f"l2echo-{uuid.uuid4().hex[:8]}"
        podman("run", "--detach", "--name", self._name, "--systemd=always", "--privileged", "--network", "none",
               "--hostname", "host", "--cgroup-parent", CGROUP_PARENT, "--volume", f"{PACKAGES}:/packages:ro", IMAGE,
               "/sbin/init")
        try:
            wait_until(lambda: self.try_run("systemctl is-system-running")[1].strip() in ("running", "degraded"),
                       "booted system", BOOT_SECONDS)
        except BaseException:
            self.close()
            raise

    def close(self):
        podman("rm", "--force", "--time", "0", self._name)

    def try_run(self, command, seconds=COMMAND_SECONDS):
        """Runs a command of sh; returns its exit status and what it printed."""
        return podman("exec", self._name, "sh", "-c", command, check=False, seconds=seconds)

    def run(self, command, seconds=COMMAND_SECONDS):
        """Runs a command of sh that must succeed; returns what it printed."""
        status, output = self.try_run(command, seconds)
        assert status == 0, f"{command}: exit status {status}\n{output}\n{self.journal()[-1500:]}"
        return output

    def write(self, path, text):
        self.run(f"mkdir -p {shlex.quote(os.path.dirname(path))}; printf %s {shlex.quote(text)} >{shlex.quote(path)}")

    def show(self, unit, name):
        """Returns a property of a unit, such as NRestarts."""
        return self.run(f"systemctl show --property {name} --value {unit}").strip()

    def wait_for(self, unit, name, value, seconds=30):
        wait_until(lambda: self.show(unit, name) == value, f"{name}={value} of {unit}", seconds)

    def journal(self, unit=None, output="cat"):
        return self.try_run(f"journalctl --no-pager --output {output} {'--unit ' + unit if unit else ''}")[1]

    def install(self, *files):
        """Installs packages by the path of their file in the container; their dependencies are there."""
        self.run("DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "
                 + " ".join(files))
