"""virtio rings between two processes: like a virtual machine's NIC, without the machine."""

import contextlib
import tempfile

from bench.comparison import Comparison, Contender
from bench.far_end import LOADS, Ends, measure, two_end_lcores
from bench.programs import echo_command, testpmd_command

GROUP = "vhost_user"
MEBIBYTES = 64  # for each of the two processes
ECHO_ENTRIES = "queues=1"
PROBE_ENTRIES = "queues=1,queue_size=1024"


def comparisons(lab):
    for load in LOADS[:1] if lab.quick else LOADS[:2]:
        yield of_load(lab, load)


def of_load(lab, load):
    key = f"{GROUP}-{load.key}"
    lcores = two_end_lcores(lab)

    @contextlib.contextmanager
    def ends(make_command):
        lab.hugepages.eal_arguments(2 * MEBIBYTES)  # for both processes together
        memory = (*lab.hugepages.eal_arguments(MEBIBYTES), "--single-file-segments")
        with tempfile.TemporaryDirectory(prefix="l2echo-bench-") as folder:
            command = make_command(f"net_vhost0,iface={folder}/wire,{ECHO_ENTRIES}", memory)
            yield Ends(command, f"net_virtio_user0,path={folder}/wire,{PROBE_ENTRIES}", memory=memory)

    def contender(name, title, make_command):
        return Contender(name, title, lambda: measure(lab, lambda: ends(make_command), load, f"{key}-{name}"))

    contenders = [
        contender("default", "l2_multi_echo", lambda device, memory: echo_command(
            lab, device, loop_check=False, lcores=lcores, memory=memory)),
        contender("testpmd-macswap", "testpmd macswap", lambda device, memory: [
            "stdbuf", "--output=L", *testpmd_command(lab, device, "macswap", lcores=lcores, memory=memory)]),
    ]
    return Comparison(GROUP, key, f"vhost-user and virtio-user, {load.title}", load.metrics(), contenders,
                      two_cpus=True)
