"""Checks hugepages: reserved on each NUMA node, mounted, and reserved again at the next boot."""

import collections
import contextlib
import functools
import re

from host_setup.machine import ACTION, NOTE, OK, REFUSED, Finding, Run, SetupError, Write, kernel_command_line

KIB_PER = {"K": 1, "M": 1024, "G": 1024 * 1024}
DEFAULT_WISH = "512M"
DEFAULT_MOUNT = "/dev/hugepages"
BOOT_FILE = "/etc/tmpfiles.d/l2echo-hugepages.conf"

Pages = collections.namedtuple("Pages", "size_kib reserved free path")


def parse_size(text):
    """Returns the KiB of a size such as 512M or 1G; ValueError if it is not one."""
    match = re.fullmatch(r"([1-9]\d*)([KMG])i?B?", text, re.IGNORECASE | re.ASCII)
    if not match:
        raise ValueError(f"'{text}' is no size; write 512M or 1G")
    return int(match[1]) * KIB_PER[match[2].upper()]


def parse_wish(text):
    """Returns {node: KiB} for 0=1G,1=512M, or {None: KiB} for a size on every node."""
    if "=" not in text:
        return {None: parse_size(text)}
    wish = {}
    for part in text.split(","):
        node, _, size = part.partition("=")
        if not re.fullmatch("[0-9]{1,4}", node):
            raise ValueError(f"'{part}' is not NODE=SIZE; write 0=1G,1=512M")
        if int(node) in wish:
            raise ValueError(f"node {int(node)} has two sizes")
        wish[int(node)] = parse_size(size)
    return wish


def format_size(kib):
    if kib == 0:
        return "0"
    for unit in "GM":
        if kib % KIB_PER[unit] == 0:
            return f"{kib // KIB_PER[unit]}{unit}"
    return f"{kib}K"


def kilobytes(machine, name, key):
    match = re.search(rf"\b{key}:\s+(\d+) kB", machine.read(name))
    return int(match[1]) if match else 0


def read_pages(folder, machine):
    return [Pages(int(re.search(r"hugepages-(\d+)kB$", path)[1]), machine.number(f"{path}/nr_hugepages"),
                  machine.number(f"{path}/free_hugepages"), path)
            for path in machine.glob(f"{folder}/hugepages-*kB")]


def pages_by_node(machine):
    """Returns {NUMA node: [Pages]} for nodes with memory; the only node is None on a kernel without NUMA."""
    nodes = {}
    for folder in machine.glob("/sys/devices/system/node/node*"):
        pages = read_pages(f"{folder}/hugepages", machine)
        if pages and kilobytes(machine, f"{folder}/meminfo", "MemTotal") > 0:
            nodes[int(re.search(r"\d+$", folder)[0])] = pages
    return nodes or {None: read_pages("/sys/kernel/mm/hugepages", machine)}


class Hugepages:
    def __init__(self, machine, wish, page_size_kib):
        self._machine = machine
        default = kilobytes(machine, "/proc/meminfo", "Hugepagesize")
        nodes = pages_by_node(machine)
        sizes = sorted({pages.size_kib for node in nodes.values() for pages in node})
        if not default or not sizes:
            raise SetupError("this kernel has no hugepages; EAL's --no-huge -m 256 does without, and --only leaves "
                             "this check out")
        if page_size_kib and page_size_kib not in sizes:
            raise SetupError(f"this machine has no hugepages of {format_size(page_size_kib)}; it has "
                             + " and ".join(map(format_size, sizes)))
        unknown = [node for node in wish if node is not None and node not in nodes]
        if unknown:
            raise SetupError(f"this machine has no NUMA node {unknown[0]} with memory; it has "
                             + ", ".join(str(node) for node in nodes if node is not None))
        self._default_size = default
        self._only_size = page_size_kib
        self._size = page_size_kib or default
        self._wish = dict.fromkeys(nodes, wish[None]) if None in wish else wish

    def checks(self):
        for node in self._wish:
            yield functools.partial(self._check_reserved, node)
        yield self._check_mount
        yield self._check_boot
        if self._size != self._default_size:
            yield self._check_mount_at_boot

    def _count(self, kib):
        return -(-kib // self._size)

    def _check_reserved(self, node, machine):
        wanted = self._wish[node]
        every_size = pages_by_node(machine)[node]
        usable = [pages for pages in every_size if self._only_size in (None, pages.size_kib)]
        reserved = sum(pages.reserved * pages.size_kib for pages in usable)
        free = sum(pages.free * pages.size_kib for pages in usable)
        find = functools.partial(Finding, "hugepages", "this machine" if node is None else f"node {node}")
        if reserved >= wanted and free == 0:
            return find(NOTE, f"{format_size(reserved)} reserved and all of it in use: a DPDK process runs, or "
                              f"one left rtemap files in {DEFAULT_MOUNT}")
        if reserved >= wanted:
            return find(OK, f"{format_size(reserved)} reserved, {format_size(free)} of it free")

        have = next(pages.reserved for pages in every_size if pages.size_kib == self._size)
        total = self._count(wanted) * self._size
        available = kilobytes(machine, "/proc/meminfo", "MemAvailable")
        if total - have * self._size > available:
            return find(REFUSED, f"{format_size(total)} are wanted and the machine has {available // 1024} MiB of "
                                 "memory to spare; ask for less with --hugepages")
        command = ["dpdk-hugepages.py", "--pagesize", format_size(self._size)]
        command += [] if node is None else ["--node", str(node)]
        command += ["--reserve", format_size(total)]
        return find(ACTION, f"{format_size(reserved)} reserved, {format_size(wanted)} wanted", (Run(tuple(command)),))

    def _folder(self):
        default = self._size == self._default_size
        return DEFAULT_MOUNT if default else DEFAULT_MOUNT + format_size(self._size)

    def _mounts(self, machine):
        """Lists (page size, folder) of each hugetlbfs."""
        for line in machine.read("/proc/mounts").splitlines():
            _, folder, kind, options = line.split()[:4]
            if kind == "hugetlbfs":
                size = re.search(r"\bpagesize=(\w+)", options)
                yield parse_size(size[1]) if size else self._default_size, folder

    def _check_mount(self, machine):
        reserved = {pages.size_kib for node in pages_by_node(machine).values() for pages in node if pages.reserved}
        usable = {self._only_size} if self._only_size else reserved or {self._size}
        for size, folder in self._mounts(machine):
            if size in usable:
                return Finding("hugepage mount", folder, OK, f"pages of {format_size(size)}")
        folder = self._folder()
        mount = ("dpdk-hugepages.py", "--pagesize", format_size(self._size), "--mount", "--directory", folder)
        return Finding("hugepage mount", folder, ACTION, f"pages of {format_size(self._size)} are mounted nowhere",
                       (Run(("mkdir", "-p", folder)), Run(mount)))

    def _check_boot(self, machine):
        at_boot = reserved_at_boot(machine, self._default_size)
        nodes = len(pages_by_node(machine))
        lacking = {}
        for node, wanted in self._wish.items():
            kib = sum(size * count for (at, size), count in at_boot.items()
                      if at == node and self._only_size in (None, size))
            kib += sum(size * count // nodes for (at, size), count in at_boot.items()
                       if at == "spread" and self._only_size in (None, size))
            if kib < wanted:
                lacking[node] = wanted
        if not lacking:
            return Finding("hugepages at boot", "", OK, "reserved again at the next boot")
        find = functools.partial(Finding, "hugepages at boot", "", ACTION)
        text = "not reserved again at the next boot"
        if not machine.which("systemd-tmpfiles"):
            count = self._count(max(lacking.values())) * nodes
            advice, steps = kernel_command_line(machine, "hugepages",
                                                f"hugepagesz={format_size(self._size)} hugepages={count}")
            return find(f"{text}: {advice}", steps)
        return find(text, (Write(BOOT_FILE, self._boot_lines(machine, lacking)),))

    def _boot_lines(self, machine, lacking):
        """Returns the content of the file with the lines of these nodes added or replaced."""
        lines = dict(boot_line.split(" - - - - ") for boot_line in machine.read(BOOT_FILE).splitlines()
                     if " - - - - " in boot_line)
        for node, wanted in lacking.items():
            folder = "/sys/kernel/mm" if node is None else f"/sys/devices/system/node/node{node}"
            lines[f"w! {folder}/hugepages/hugepages-{self._size}kB/nr_hugepages"] = str(self._count(wanted))
        return "".join(f"{path} - - - - {count}\n" for path, count in lines.items())

    def _check_mount_at_boot(self, machine):
        """systemd mounts the default size on /dev/hugepages; another size needs a unit named after its folder."""
        folder = self._folder()
        unit = folder.strip("/").replace("/", "-") + ".mount"
        enabled = f"/etc/systemd/system/multi-user.target.wants/{unit}"
        if machine.exists(enabled) or re.search(rf"^\S+\s+{folder}\s+hugetlbfs\b", machine.read("/etc/fstab"), re.M):
            return Finding("hugepage mount at boot", folder, OK, "mounted again at the next boot")
        text = (f"[Unit]\nDescription=Hugepages of {format_size(self._size)}\n"
                f"[Mount]\nWhat=hugetlbfs\nWhere={folder}\nType=hugetlbfs\n"
                f"Options=pagesize={format_size(self._size)}\n[Install]\nWantedBy=multi-user.target\n")
        return Finding("hugepage mount at boot", folder, ACTION, "not mounted again at the next boot",
                       (Write(f"/etc/systemd/system/{unit}", text), Run(("systemctl", "enable", unit))))


def reserved_at_boot(machine, default_size_kib):
    """Returns {(node or "spread" over all nodes, page size in KiB): pages} that the configuration asks for."""
    found = collections.Counter()
    size = default_size_kib
    for word in machine.read("/proc/cmdline").split():
        key, _, value = word.partition("=")
        with contextlib.suppress(ValueError):  # the kernel ignores what it cannot read
            if key == "hugepagesz":
                size = parse_size(value)
            elif key == "hugepages":
                # N, or since Linux 5.16 NODE:N,NODE:N
                for part in value.split(","):
                    node, _, count = part.rpartition(":")
                    found[int(node) if node else "spread", size] += int(count)

    for name in ["/etc/sysctl.conf", *machine.glob("/etc/sysctl.d/*.conf"), *machine.glob("/usr/lib/sysctl.d/*.conf")]:
        for count in re.findall(r"^\s*vm[./]nr_hugepages\s*=\s*(\d+)", machine.read(name), re.MULTILINE):
            found["spread", default_size_kib] = int(count)

    for name in machine.glob("/etc/tmpfiles.d/*.conf"):
        line = r"^w\S*\s+(\S+)/hugepages/hugepages-(\d+)kB/nr_hugepages(?:\s+-){4}\s+(\d+)"
        for folder, kib, count in re.findall(line, machine.read(name), re.MULTILINE):
            node = re.search(r"/node(\d+)$", folder)
            found[int(node[1]) if node else None, int(kib)] = int(count)
    return found
