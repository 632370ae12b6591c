"""Finds the command that starts this program again, for the commands that it advises."""

import pathlib
import shutil
import sys

INSTALLED_NAME = "l2echo-host-setup"


def own_command():
    """Returns its path in a source tree; if installed, its name, or what was typed if it is not in PATH."""
    if pathlib.Path(__file__).resolve().parents[1].name == "scripts":
        return "./scripts/host-setup"
    return INSTALLED_NAME if shutil.which(INSTALLED_NAME) == sys.argv[0] else sys.argv[0]
