"""The programs that the tests of foreign peers start."""

import os
import pathlib

import pytest


def pytest_configure(config):
    config.addinivalue_line("markers", "alone: measures, so it runs by itself")


@pytest.fixture(scope="session")
def build():
    return pathlib.Path(os.environ["L2ECHO_BUILD"])


@pytest.fixture(scope="session")
def tun_host(build):
    path = build / "tests/foreign/tun_host"
    assert path.exists(), f"{path} is not built"
    return str(path)
