"""The tests of the source package, as autopkgtest runs them for Debian: each passes, and none is skipped."""

import re
import tarfile

import container

USER, SUMMARY = "tester", "/tmp/summary"


def names_of_tests():
    archive, = container.PACKAGES.glob("l2echo_*.tar.xz")
    with tarfile.open(archive) as source:
        control, = (name for name in source.getnames() if name.endswith("/debian/tests/control"))
        text = source.extractfile(control).read().decode()
    return [name for line in re.findall(r"^Tests: *(.*)$", text, re.MULTILINE) for name in re.split("[ ,]+", line)]


def test_every_test_of_the_source_package_passes(fresh_host, packages):
    source, = container.PACKAGES.glob("l2echo_*.dsc")
    # A test without the restriction needs-root runs as this user. There is no network to look for a mirror.
    fresh_host.run(f"useradd --create-home {USER} && rm -f /etc/apt/sources.list")
    status, output = fresh_host.try_run(
        f"autopkgtest --user={USER} --summary-file={SUMMARY} --no-built-binaries {' '.join(packages)} "
        f"/packages/{source.name} -- null")
    assert status == 0, output
    results = fresh_host.run(f"awk '{{ print $1, $2 }}' {SUMMARY}").splitlines()
    assert sorted(results) == sorted(f"{name} PASS" for name in names_of_tests()), output
