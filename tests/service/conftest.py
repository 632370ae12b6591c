"""Boots containers with systemd and the packages. A test takes `host`, which the tests of a file share."""

import pytest

import container


@pytest.fixture(scope="session", autouse=True)
def image():
    container.prepare_image()


@pytest.fixture(scope="session")
def packages():
    """The paths in the container of the packages under test."""
    return [f"/packages/{file.name}" for file in sorted(container.PACKAGES.glob("*.deb"))
            if "-dbgsym_" not in file.name]


@pytest.fixture(scope="module")
def fresh_host(image):  # pylint: disable=unused-argument
    """A booted machine without the packages."""
    host = container.Container()
    yield host
    host.close()


@pytest.fixture(scope="module")
def host(fresh_host, packages):
    """A booted machine with the packages installed."""
    fresh_host.install(*packages)
    return fresh_host


@pytest.fixture
def far_end(host):
    """far_end(NAME) starts l2echo@NAME, and stops it after the test."""
    started = []

    def start(name, **files):
        for path, text in files.items():
            host.write(path, text)
        started.append(f"l2echo@{name}.service")
        host.run(f"systemctl start {started[-1]}")
        return started[-1]

    yield start
    for unit in started:
        host.run(f"systemctl stop {unit}; systemctl reset-failed {unit} 2>/dev/null || true")
