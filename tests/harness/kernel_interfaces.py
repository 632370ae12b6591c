"""Kernel interfaces, addresses and namespaces that exist for one test."""

import contextlib
import pathlib
import subprocess


def ip(*arguments):
    """Runs the ip command; a failure shows its error message."""
    result = subprocess.run(("ip", *arguments), capture_output=True, text=True, check=False, timeout=10)
    assert result.returncode == 0, f"ip {' '.join(arguments)}: {result.stderr}"
    return result.stdout


@contextlib.contextmanager
def created(creation, removal):
    """Runs the ip command `creation`, and `removal` at the end: also if a signal interrupts the creation, which may
    have happened by then, but not if it fails, because what exists then belongs to somebody else."""
    ours = True
    try:
        try:
            ip(*creation)
        except AssertionError:
            ours = False
            raise
        yield
    finally:
        if ours:
            subprocess.run(("ip", *removal), capture_output=True, check=False, timeout=10)


@contextlib.contextmanager
def interface(name, *definition):
    """Creates an interface with the arguments of `ip link add` and brings it up."""
    with created(("link", "add", "name", name, *definition), ("link", "delete", name)):
        ip("link", "set", name, "up")
        yield name


@contextlib.contextmanager
def veth_pair(name, peer_name):
    with interface(name, "type", "veth", "peer", "name", peer_name):
        ip("link", "set", peer_name, "up")
        yield name, peer_name


@contextlib.contextmanager
def namespace(name):
    with created(("netns", "add", name), ("netns", "delete", name)):
        yield name


def kernel_can_make(kind):
    """True if this kernel supports interfaces of a type that is stacked on another interface."""
    with veth_pair("veth-below", "veth-beside"):
        made = subprocess.run(("ip", "link", "add", "link", "veth-below", "name", "veth-above", "type", kind,
                               *(("id", "5") if kind == "vlan" else ())), capture_output=True, check=False, timeout=10)
    return made.returncode == 0


def allow_ipv6(name):
    pathlib.Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").write_text("0", encoding="ascii")
