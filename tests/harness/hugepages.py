"""Hugepages of the machine, for one test marked `alone`."""

import contextlib
import pathlib
import subprocess

import pytest

FOLDER = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB")


def free_hugepages():
    return int((FOLDER / "free_hugepages").read_text(encoding="ascii"))


@contextlib.contextmanager
def hugepages(count, folder):
    """Reserves this many additional 2 MiB hugepages and mounts hugetlbfs on the folder."""
    number = FOLDER / "nr_hugepages"
    before = int(number.read_text(encoding="ascii")) if number.exists() else 0
    try:
        number.write_text(str(before + count), encoding="ascii")
        if int(number.read_text(encoding="ascii")) < before + count:
            pytest.skip(f"this machine cannot give {count} hugepages")
        subprocess.run(("mount", "-t", "hugetlbfs", "-o", "pagesize=2M", "none", folder), check=True)
        yield
    finally:
        subprocess.run(("umount", "--lazy", folder), check=False, capture_output=True)
        number.write_text(str(before), encoding="ascii")
