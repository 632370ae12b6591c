"""Hugepages for the time of a run: reserved when root, given back at the end."""

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
        self.given = set()  # sizes of pages

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.give_back()

    def give_back(self):
        """What others reserved meanwhile stays theirs."""
        if self._reserved:
            (PAGES / "nr_hugepages").write_text(str(max(0, read("nr_hugepages") - self._reserved)))
        self._reserved = 0

    def eal_arguments(self, mebibytes, processes=1):
        """For processes with that much memory each that run at the same time, and no files in hugetlbfs. Raises
        NotMeasured if it is not available."""
        self._reserve(-(-mebibytes // PAGE_MEBIBYTES) * processes)
        self.given.add("2 MiB")
        return ("--in-memory", "-m", str(mebibytes), "--no-pci")

    def eal_arguments_or_less(self, mebibytes, processes=1):
        """And the size of the pages. 4 KiB pages cost more than a loop over frames does, but are always there."""
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
            raise NotMeasured(f"needs {pages} free hugepages of 2 MiB; run it with sudo, or reserve them")
        before = read("nr_hugepages")
        (PAGES / "nr_hugepages").write_text(str(before + missing))
        self._reserved += read("nr_hugepages") - before
        if read("free_hugepages") < pages:
            self.give_back()
            raise NotMeasured(f"the kernel has no {pages} hugepages of 2 MiB to give")
