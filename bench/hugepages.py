"""Hugepages for one run: reserved if run as root, and released at the end."""

import os
import pathlib

from bench.comparison import NotMeasured

PAGES = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB")
PAGE_MEBIBYTES = 2


def read(name):
    return int((PAGES / name).read_text())


class Hugepages:
    def __init__(self):
        self._reserved = 0
        self.given = set()  # page sizes in use

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.give_back()

    def give_back(self):
        """Releases only our pages; pages that others reserved in the meantime stay reserved."""
        if self._reserved:
            (PAGES / "nr_hugepages").write_text(str(max(0, read("nr_hugepages") - self._reserved)))
        self._reserved = 0

    def eal_arguments(self, mebibytes, processes=1):
        """EAL arguments for this many concurrent processes with this much memory each, without files in hugetlbfs.
        Raises NotMeasured if there are not enough hugepages."""
        self._reserve(-(-mebibytes // PAGE_MEBIBYTES) * processes)
        self.given.add("2 MiB")
        return ("--in-memory", "-m", str(mebibytes), "--no-pci")

    def eal_arguments_or_less(self, mebibytes, processes=1):
        """The same, and the page size. Falls back to 4 KiB pages, which cost more than a loop over frames does."""
        try:
            return self.eal_arguments(mebibytes, processes), "2 MiB"
        except NotMeasured:
            self.given.add("4 KiB")
            return ("--no-huge", "-m", str(mebibytes), "--no-pci", "--no-shconf"), "4 KiB"

    def _reserve(self, pages):
        if not PAGES.exists():
            raise NotMeasured("this kernel has no 2 MiB hugepages")
        missing = pages - read("free_hugepages")
        if missing <= 0:
            return
        if os.geteuid() != 0:
            raise NotMeasured(f"{pages} free hugepages of 2 MiB are needed; run it with sudo, or reserve them")
        before = read("nr_hugepages")
        (PAGES / "nr_hugepages").write_text(str(before + missing))
        self._reserved += read("nr_hugepages") - before
        if read("free_hugepages") < pages:
            self.give_back()
            raise NotMeasured(f"the kernel has no {pages} hugepages of 2 MiB to give")
