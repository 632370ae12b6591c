"""Says whether an interface may be taken from the kernel, by the rule of the echo servers, which interface-use reports.

Here stacking is an additional reason: binding the NIC removes the interface, so a bridge, bond or VLAN would lose its
member.
"""

import json
import os
import pathlib

from host_setup.machine import SetupError

PROGRAM = "interface-use"
NOT_BUILT = (f"the program {PROGRAM}, which finds out what the kernel needs it for, is missing: build it first, with "
             "meson setup build && ninja -C build")


def find_program():
    """Returns the program beside this script if installed, else the newest build in the source tree, else None."""
    folder = pathlib.Path(__file__).resolve().parents[1]
    if (folder / PROGRAM).is_file():
        return str(folder / PROGRAM)
    if os.environ.get("L2ECHO_BUILD"):
        return os.path.join(os.environ["L2ECHO_BUILD"], PROGRAM)
    built = sorted(folder.parent.glob(f"*/{PROGRAM}"), key=lambda path: path.stat().st_mtime)
    return str(built[-1]) if built else None


def reasons_to_leave(machine, interface):
    """Lists why this interface must stay with the kernel, most important first; empty if it may be taken."""
    program = find_program()
    if program is None:
        return [NOT_BUILT]
    try:
        use = json.loads(machine.run(program, interface))["interfaces"][interface]
    except SetupError as error:
        return [f"cannot find out what the kernel needs it for: {error}"]
    reasons = [use["reason"]] if use["reason"] else []
    return reasons + [f"the {upper['kind'] or 'interface'} {upper['name']} above it" for upper in use["above"]]
