"""Whether an interface may be taken from the kernel, as the program interface-use reports: the echo servers' own rule.

Here stacking is a reason of its own: binding the NIC takes the interface away, so a bridge, a bond or a VLAN would lose
its member.
"""

import json
import os
import pathlib

from host_setup.machine import SetupError

PROGRAM = "interface-use"
NOT_BUILT = (f"what the kernel needs it for cannot be told without the program {PROGRAM}: build it first, with "
             "meson setup build && ninja -C build")


def find_program():
    """Beside us where installed, else the newest that was built in our source tree; None if there is none."""
    folder = pathlib.Path(__file__).resolve().parents[1]
    if (folder / PROGRAM).is_file():
        return str(folder / PROGRAM)
    if "L2ECHO_BUILD" in os.environ:
        return os.path.join(os.environ["L2ECHO_BUILD"], PROGRAM)
    built = sorted(folder.parent.glob(f"*/{PROGRAM}"), key=lambda path: path.stat().st_mtime)
    return str(built[-1]) if built else None


def reasons_to_leave(machine, interface):
    """Why this interface must stay with the kernel, most pressing first; none if it may be taken."""
    program = find_program()
    if program is None:
        return [NOT_BUILT]
    try:
        use = json.loads(machine.run(program, interface))["interfaces"][interface]
    except SetupError as error:
        return [f"what the kernel needs it for cannot be told: {error}"]
    reasons = [use["reason"]] if use["reason"] else []
    return reasons + [f"the {upper['kind'] or 'interface'} {upper['name']} above it" for upper in use["above"]]
