"""Where the packages under test are."""

import os
import pathlib
import subprocess

import pytest


@pytest.fixture(scope="session")
def folder():
    return pathlib.Path(os.environ["L2ECHO_PACKAGES"])


@pytest.fixture(scope="session")
def unpacked(folder, tmp_path_factory):
    """unpacked[NAME] is a folder with the files of this package."""
    found = {}
    for package in folder.glob("l2echo*.deb"):
        name = package.name.partition("_")[0]
        found[name] = tmp_path_factory.mktemp(name)
        subprocess.run(("dpkg-deb", "--raw-extract", package, found[name]), check=True)
    return found
