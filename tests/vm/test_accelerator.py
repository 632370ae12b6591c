"""KVM is used only if a guest works under it, and finding out takes little time."""

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
    """A file that can be opened like /dev/kvm."""
    path = tmp_path / "kvm"
    path.touch()
    return str(path)


@pytest.fixture
def choose_with(device, guest_folder, tmp_path):
    """choose_with(SCRIPT) returns the choice if QEMU is replaced by this shell script."""
    def chosen(script, seconds=SECONDS):
        qemu = tmp_path / "qemu"
        qemu.write_text(f"#!/bin/bash\n{script}\n")
        qemu.chmod(stat.S_IRWXU)
        return choose(lambda: boots_under_kvm([str(qemu)], guest_folder, tmp_path, seconds), device)

    return chosen


def never():
    raise RuntimeError("must not be tried")


@pytest.mark.long
def test_kvm_if_a_guest_boots_and_runs_a_program(choose_with):
    """Uses TCG in place of KVM, because this machine may not have KVM."""
    assert choose_with("""
        for word; do
          case $word in kvm) word=tcg ;; q35,*) word=q35 ;; host) word=Nehalem ;; esac
          set -- "$@" "$word"
          shift
        done
        exec qemu-system-x86_64 "$@" """, 60.0) == (KVM, "a guest started and ran a program under it")


def test_kvm_if_the_probe_succeeds(device):
    assert choose(lambda: None, device)[0] == KVM


def test_tcg_without_kvm(tmp_path):
    assert choose(never, str(tmp_path / "none")) == (TCG, f"{tmp_path}/none: No such file or directory")


def test_tcg_if_qemu_fails(choose_with):
    accelerator, why = choose_with("echo 'failed to initialize kvm' >&2; exit 1")
    assert accelerator == TCG and why.startswith("KVM does not work here") and "QEMU closed its monitor" in why


def test_tcg_soon_if_the_guest_hangs(choose_with):
    start = time.monotonic()
    assert choose_with("exec sleep 60")[0] == TCG
    assert time.monotonic() - start < 3 * SECONDS < PROBE_SECONDS


@pytest.mark.parametrize("name", [KVM, TCG])
def test_requested_accelerator_is_not_tried(monkeypatch, device, name):
    monkeypatch.setenv(VARIABLE, name)
    assert choose(never, device) == (name, f"{VARIABLE} says so")


def test_unknown_accelerator(monkeypatch, device):
    monkeypatch.setenv(VARIABLE, "hvf")
    with pytest.raises(ValueError, match=f"{VARIABLE}=hvf is not an accelerator; choose kvm or tcg"):
        choose(never, device)
