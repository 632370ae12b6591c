"""Both ends of one TCP connection over an impaired link: the kernel, and the library over a tun device."""

from tests.foreign.impaired_link import FAR, FAR_ADDRESS, KERNEL, KERNEL_ADDRESS, STACK_ADDRESS, TUN, in_namespace
from tests.harness.program_under_test import ProgramUnderTest

PORT = "5001"
EXCHANGE_SECONDS = 120.0  # a blocked stream ends the test


class Ends:
    """The command lines of both ends. One of them opens the connection, the other listens."""

    def __init__(self, tun_host, family=4):
        self._tun_host = tun_host
        self._family = family

    def kernel(self, opens, *options, at=KERNEL, peer=None):
        """The kernel at this end of the link. `peer` is the address to connect to if it is not the library's."""
        own = {KERNEL: KERNEL_ADDRESS, FAR: FAR_ADDRESS}[at][self._family]
        role = ("--connect", peer or STACK_ADDRESS[self._family], PORT) if opens else ("--listen", own, PORT)
        return in_namespace(at, "/usr/bin/python3", "-m", "tests.foreign.kernel_end", *role, *map(str, options))

    def stack(self, opens, *options):
        address = KERNEL_ADDRESS[self._family]
        endpoint = f"[{address}]:{PORT}" if self._family == 6 else f"{address}:{PORT}"
        role = ("--connect", endpoint) if opens else ("--listen", PORT)
        return in_namespace(FAR, self._tun_host, "--", "--tun", TUN, "--address", STACK_ADDRESS[self._family], *role,
                            *map(str, options))


def exchange(listens, opens, seconds=EXCHANGE_SECONDS):
    """Runs both commands, and returns the outcomes in the same order."""
    processes = []
    try:
        processes.append(ProgramUnderTest(listens))
        processes[0].wait_for_line("Ready")
        processes.append(ProgramUnderTest(opens))
        for process in processes:
            process.end_cleanly(seconds)
        return [process.reports()[-1] for process in processes]
    finally:
        for process in processes:
            process.close()
