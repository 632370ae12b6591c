"""scripts/host-setup, as a module and as a program."""

import importlib.machinery
import importlib.util
import pathlib
import subprocess
import sys

PROGRAM = pathlib.Path(__file__).resolve().parents[2] / "scripts/host-setup"
READY, NOT_READY, USAGE = 0, 1, 2

READ_ONLY = """
  for at in / /run /sys /dev; do mount -o remount,bind,ro $at; done
  for folder in /etc /run /dev; do ! touch $folder/l2echo-test 2>/dev/null || exit; done
  exec "$@"
"""

sys.path.insert(0, str(PROGRAM.parent))  # the folder of the host_setup package


def load_program():
    loader = importlib.machinery.SourceFileLoader("host_setup_program_module", str(PROGRAM))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


main = load_program().main


def run_program(*options, program=PROGRAM):
    """Runs it without --apply and with read-only file systems, so that a bug cannot change this machine."""
    return subprocess.run(("unshare", "--mount", "bash", "-euc", READ_ONLY, "read-only", program, *options),
                          capture_output=True, text=True, check=False, timeout=30)
