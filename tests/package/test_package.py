"""The Debian packages: what is in them, and how the programs were built."""

import gzip
import pathlib
import re
import subprocess

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = {"l2echo": ("l2_echo", "l2_multi_echo", "l2echo-control"), "l2echo-tools": ("l2_probe",)}
ALL_PROGRAMS = [(package, name) for package, names in PROGRAMS.items() for name in names]


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def relative_files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


def test_packages_are_those_of_the_document(unpacked):
    named = set(re.findall(r"^\| `(l2echo[\w-]*)` \|", (SOURCE / "docs/install.md").read_text("utf-8"), re.MULTILINE))
    assert named == set(PROGRAMS) == {name for name in unpacked if not name.endswith("-dbgsym")}


@pytest.mark.parametrize("package, name", ALL_PROGRAMS)
def test_program_has_a_manual_page_and_completions(unpacked, package, name):
    root = unpacked[package]
    section = "7" if name == "l2echo-control" else "8"
    with gzip.open(root / f"usr/share/man/man{section}/{name}.{section}.gz", "rt", encoding="utf-8") as page:
        assert name in page.read()
    if name != "l2_echo":  # it has EAL's options only
        assert (root / f"usr/share/bash-completion/completions/{name}").is_symlink()
        assert (root / f"usr/share/fish/vendor_completions.d/{name}.fish").is_symlink()


@pytest.mark.parametrize("package, name", ALL_PROGRAMS)
def test_program_is_hardened(unpacked, package, name):
    program = unpacked[package] / "usr/bin" / name
    assert "DYN (Position-Independent Executable" in run("readelf", "--file-header", program)
    dynamic = run("readelf", "--dynamic", program)
    assert "BIND_NOW" in dynamic and "NOW PIE" in dynamic
    imported = run("readelf", "--dyn-syms", "--wide", program)
    assert "__stack_chk_fail" in imported and "_chk@" in imported


def test_what_the_units_and_scripts_need_is_in_the_same_package(unpacked):
    for package, root in unpacked.items():
        if package.endswith("-dbgsym"):
            continue
        units = [path for path in root.rglob("*.service")]
        assert units, package
        for unit in units:
            for program in re.findall(r"^Exec\w+=(\S+)", unit.read_text("utf-8"), re.MULTILINE):
                assert (root / program.lstrip("/")).is_symlink() or (root / program.lstrip("/")).is_file(), unit
    root = unpacked["l2echo"]
    assert (root / "usr/bin/l2echo-host-setup").resolve() == root / "usr/libexec/l2echo/host-setup"
    assert (root / "usr/libexec/l2echo/interface-use").is_file()
    text = run(root / "usr/bin/l2echo-host-setup", "--help")
    assert "--bind" in text


def test_configuration_is_kept_by_upgrades(unpacked):
    for package, files in {"l2echo": ["memif.toml", "nic.toml"], "l2echo-tools": ["probe-memif.toml"]}.items():
        assert sorted((unpacked[package] / "DEBIAN/conffiles").read_text("utf-8").split()) == [
            f"/etc/l2echo/{name}" for name in files]


@pytest.mark.parametrize("name", ["memif", "nic", "probe-memif"])
def test_configuration_is_valid(unpacked, name):
    package, program = ("l2echo-tools", "l2_probe") if name.startswith("probe-") else ("l2echo", "l2_multi_echo")
    root = unpacked[package]
    run(root / "usr/bin" / program, "--", "--config", root / f"etc/l2echo/{name}.toml", "--print-config")


def test_documents_are_installed_with_their_links(unpacked):
    documents = unpacked["l2echo"] / "usr/share/doc/l2echo/docs"
    for document in documents.glob("*.md"):
        for target in re.findall(r"\]\(([\w./-]+\.(?:md|svg))(?:#[\w-]*)?\)", document.read_text("utf-8")):
            if not target.startswith("../"):
                assert (documents / target).is_file(), f"{document.name}: {target}"


def test_packages_share_no_file(unpacked):
    assert not (relative_files(unpacked["l2echo"]) & relative_files(unpacked["l2echo-tools"])
                - {name for name in relative_files(unpacked["l2echo"]) if name.startswith("DEBIAN/")})


def test_version_is_that_of_the_build_and_the_commit(folder):
    version = re.search(r"^  version: '(.*)',$", (SOURCE / "meson.build").read_text("utf-8"), re.MULTILINE)[1]
    for package in folder.glob("l2echo*.deb"):
        assert re.fullmatch(re.escape(version) + r"([~+]git\d+\.[0-9a-f]{10})?(\.changed)?",
                            run("dpkg-deb", "--field", package, "Version").strip())
    assert f"## {version}" in (SOURCE / "CHANGELOG.md").read_text("utf-8")
