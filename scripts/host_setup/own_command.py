"""How to start this program again, for the commands that it advises."""

import pathlib
import shutil
import sys

INSTALLED_NAME = "l2echo-host-setup"


def own_command():
    """By its place in a source tree; installed, by its name, or as it was typed if PATH does not lead to it."""
    if pathlib.Path(__file__).resolve().parents[1].name == "scripts":
        return "./scripts/host-setup"
    return INSTALLED_NAME if shutil.which(INSTALLED_NAME) == sys.argv[0] else sys.argv[0]
