"""KVM is taken only where a guest was seen to work under it, and finding out does not take long."""

import stat
import time

import pytest
from accelerator import PROBE_SECONDS, VARIABLE, boots_under_kvm, choose
from guest import KVM, TCG

SECONDS = 1.0


@pytest.fixture(autouse=True)
def nothing_forced(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def device(tmp_path):
    """A file that can be opened as /dev/kvm can."""
    path = tmp_path / "kvm"
    path.touch()
    return str(path)


@pytest.fixture
def choose_with(device, guest_folder, tmp_path):
    """choose_with(SCRIPT): what is chosen where QEMU does what this shell script does."""
    def chosen(script, seconds=SECONDS):
        qemu = tmp_path / "qemu"
        qemu.write_text(f"#!/bin/bash\n{script}\n")
        qemu.chmod(stat.S_IRWXU)
        return choose(lambda: boots_under_kvm([str(qemu)], guest_folder, tmp_path, seconds), device)

    return chosen


def never():
    raise RuntimeError("not to be tried")


@pytest.mark.long
def test_kvm_where_a_guest_starts_and_runs_a_program(choose_with):
    """With TCG for KVM, as this machine may have none."""
    assert choose_with("""
        for word; do
          case $word in kvm) word=tcg ;; q35,*) word=q35 ;; host) word=Nehalem ;; esac
          set -- "$@" "$word"
          shift
        done
        exec qemu-system-x86_64 "$@" """, 60.0) == (KVM, "a guest started and ran a program under it")


def test_kvm_where_the_probe_works(device):
    assert choose(lambda: None, device)[0] == KVM


def test_tcg_where_there_is_no_kvm(tmp_path):
    assert choose(never, str(tmp_path / "none")) == (TCG, f"{tmp_path}/none: No such file or directory")


def test_tcg_where_qemu_fails(choose_with):
    accelerator, why = choose_with("echo 'failed to initialize kvm' >&2; exit 1")
    assert accelerator == TCG and why.startswith("KVM does not work here") and "QEMU closed its monitor" in why


def test_tcg_where_the_guest_hangs_and_soon(choose_with):
    start = time.monotonic()
    assert choose_with("exec sleep 60")[0] == TCG
    assert time.monotonic() - start < 3 * SECONDS < PROBE_SECONDS


@pytest.mark.parametrize("name", [KVM, TCG])
def test_the_one_that_is_asked_for_is_not_tried(monkeypatch, device, name):
    monkeypatch.setenv(VARIABLE, name)
    assert choose(never, device) == (name, f"{VARIABLE} says so")


def test_an_accelerator_that_there_is_not(monkeypatch, device):
    monkeypatch.setenv(VARIABLE, "hvf")
    with pytest.raises(ValueError, match=f"{VARIABLE}=hvf is no accelerator; there are kvm and tcg"):
        choose(never, device)
