"""meson install: what it installs where, and that the installed files work."""

import json
import os
import pathlib
import re
import subprocess
import tempfile

import pytest

from host_setup_program import NOT_READY, READY, run_program

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ("l2_echo", "l2_multi_echo", "l2_probe", "l2echo-control")
HOST_SETUP = "l2echo-host-setup"


def run(*command, **settings):
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30, **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build_options(folder):
    options = json.loads(run("meson", "introspect", "--buildoptions", folder))
    return {option["name"]: option["value"] for option in options}


@pytest.fixture(scope="module")
def destination(pytestconfig):
    """A folder that serves as the root of a machine on which l2echo was installed."""
    build = pathlib.Path(pytestconfig.getoption("build_dir"))
    owner = build.stat()  # owner that the installation log must keep
    with tempfile.TemporaryDirectory(prefix="l2echo-install-") as folder:
        os.chown(folder, owner.st_uid, owner.st_gid)
        run("meson", "install", "-C", build, "--no-rebuild", env={**os.environ, "DESTDIR": folder},
            user=owner.st_uid, group=owner.st_gid, extra_groups=())
        yield pathlib.Path(folder)


@pytest.fixture(scope="module")
def installed(pytestconfig, destination):
    """installed(OPTION) returns the folder of this build option, such as bindir."""
    options = build_options(pytestconfig.getoption("build_dir"))
    prefix = pathlib.Path(options["prefix"])
    return lambda option: destination / (prefix / options[option] if option != "prefix" else prefix).relative_to("/")


@pytest.fixture(scope="module")
def documentation(installed):
    return installed("datadir") / "doc/l2echo"


def test_users_get_the_programs_and_nothing_that_needs_the_source_tree(installed):
    assert {path.name for path in installed("bindir").iterdir()} == {*PROGRAMS, HOST_SETUP}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_runs(installed, name):
    dpdk = "" if name == "l2echo-control" else r", DPDK \d+\.\d+\.\d+.*"
    assert re.fullmatch(rf"l2echo \d+\.\d+\.\d+{dpdk}\n", run(installed("bindir") / name, "--version"))


def test_host_setup_uses_its_installed_name(installed):
    program = installed("bindir") / HOST_SETUP
    text = run(program, "--help")
    assert text.startswith(f"usage: {HOST_SETUP} ")
    assert f"sudo {program} --apply" in text and "./scripts" not in text
    on_path = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
    assert f"sudo {HOST_SETUP} --apply" in run(HOST_SETUP, "--help", env=on_path)


def test_host_setup_finds_its_helper_program(installed):
    folder = installed("libexecdir") / "l2echo"
    ask = "from host_setup.kernel_interface import find_program; print(find_program())"
    program = run("/usr/bin/python3", "-B", "-c", ask, cwd=folder).strip()
    assert program == str(folder / "interface-use")
    assert json.loads(run(program, "lo"))["interfaces"]["lo"]["addresses"]


def test_host_setup_checks_this_machine(installed):
    result = run_program("--json", program=installed("bindir") / HOST_SETUP)
    assert result.returncode in (READY, NOT_READY) and result.stderr == "", result.stderr
    report = json.loads(result.stdout)
    assert (report["schema"], report["applied"]) == ("l2echo.host-setup/1", False)
    assert {"tools", "CPUs", "memlock"} <= {found["check"] for found in report["checks"]}


def test_plot_script_is_where_the_probe_looks_for_it(installed, tmp_path):
    script = installed("libexecdir") / "l2echo/plot"
    assert script == installed("bindir").parent / "libexec/l2echo/plot"
    done = subprocess.run((script, tmp_path), capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 1 and "no plots: " in done.stderr


def test_every_sample_is_installed(documentation):
    assert ({file.name for file in (documentation / "examples").glob("*.toml")}
            == {file.name for file in (SOURCE / "config").glob("*.toml")})


@pytest.mark.parametrize("name", [file.name for file in sorted((SOURCE / "config").glob("*.toml"))])
def test_installed_sample_takes_effect_as_in_the_source_tree(installed, documentation, destination, name):
    def printed(file):
        return run(installed("bindir") / "l2_multi_echo", "--", "--config", file, "--print-config")

    sample = documentation / "examples" / name
    assert printed(sample) == printed(SOURCE / "config" / name) != ""
    command = re.search(r"^# .*?(\S*l2_multi_echo) -- --config (\S+)$", sample.read_text(), re.MULTILINE)
    assert (command[1], destination / command[2].lstrip("/")) == ("l2_multi_echo", sample)


def test_alerts_dashboard_and_endpoint_are_installed(documentation):
    assert {file.name for file in (documentation / "monitoring").iterdir()} == {"l2echo.rules.yml", "l2echo.json"}
    assert (documentation.parents[1] / "dpdk/telemetry-endpoints/l2echo.py").is_file()


def test_licence_and_documents_are_installed(documentation):
    assert (documentation / "LICENSE").read_text() == (SOURCE / "LICENSE").read_text()
    named = set(re.findall(r"\bdocs/[\w./-]+\.md\b", (documentation / "README.md").read_text()))
    assert named and all((documentation / path).is_file() for path in named), named


def test_warnings_are_errors_only_on_request():
    options = build_options(SOURCE / "meson.build")
    assert (options["werror"], options["warning_level"], options["b_ndebug"]) == (False, "3", "if-release")


def test_manual_pages_and_completions_are_where_they_are_looked_for(installed):
    share = installed("datadir")
    for page in ("man8/l2_multi_echo.8", "man8/l2echo-host-setup.8", "man7/l2echo-control.7", "man5/l2echo.toml.5"):
        assert (installed("mandir") / page).is_file()
    for name in ("l2_multi_echo", "l2_probe", "l2echo-control", HOST_SETUP):
        assert "complete -F" in (share / "bash-completion/completions" / name).read_text()
        assert f"complete -c {name} " in (share / "fish/vendor_completions.d" / f"{name}.fish").read_text()
    zsh = (share / "zsh/site-functions/_l2echo").read_text()
    assert zsh.startswith("#compdef l2_multi_echo l2_probe l2echo-control l2echo-host-setup\n")


UNITS = ("l2echo@.service", "l2echo-bind@.service", "l2echo-probe@.service")


@pytest.fixture
def units(installed):
    return installed("prefix") / "lib/systemd/system"


@pytest.mark.parametrize("name", UNITS)
def test_programs_and_files_of_a_unit_are_installed(units, destination, installed, name):
    text = (units / name).read_text()
    assert "@" not in re.sub(r"@\.service|l2echo(-\w+)?@|@system-service", "", text), "a placeholder is left"
    programs = re.findall(r"^Exec\w+=(\S+)", text, re.MULTILINE)
    assert programs and all(os.path.lexists(destination / program.lstrip("/")) for program in programs), programs
    for file in re.findall(r"--config (\S+)/(?:probe-)?%i\.toml", text):
        assert destination / file.lstrip("/") == installed("sysconfdir") / "l2echo"


@pytest.mark.parametrize("name, exposure", [("l2echo@.service", 20), ("l2echo-probe@.service", 20),
                                            ("l2echo-bind@.service", 70)])
def test_unit_is_hardened(units, name, exposure):
    run("systemd-analyze", "security", "--offline=yes", f"--threshold={exposure}", units / name)


@pytest.mark.parametrize("name, program", [("nic", "l2_multi_echo"), ("memif", "l2_multi_echo"),
                                           ("probe-memif", "l2_probe")])
def test_configuration_of_a_unit_is_valid(installed, name, program):
    run(installed("bindir") / program, "--", "--config", installed("sysconfdir") / f"l2echo/{name}.toml",
        "--instance", name, "--print-config")


def test_each_installed_file_is_in_a_package(installed, destination):
    """debian/*.install name the files by their paths below the prefix /usr."""
    lists = [*(SOURCE / "debian").glob("*.install"), SOURCE / "debian/not-installed"]
    packages = [line for file in lists for line in file.read_text().split()]
    prefix, sysconfdir = installed("prefix"), installed("sysconfdir")
    for path in destination.rglob("*"):
        if path.is_dir():
            continue
        if path.is_relative_to(sysconfdir):
            name = "etc/" + str(path.relative_to(sysconfdir))
        else:
            name = "usr/" + str(path.relative_to(prefix)).replace("lib/systemd/system", "${env:UNITS}", 1)
        name = name.replace("usr/${env:UNITS}", "${env:UNITS}")
        assert any(name == entry or name.startswith(entry + "/") for entry in packages), name


def test_packages_are_built_with_what_install_dependencies_installs():
    """The script also installs what only tests and users need."""
    control = (SOURCE / "debian/control").read_text()
    needed = re.search(r"^Build-Depends:\n((?: .*\n)+)", control, re.MULTILINE)[1]
    script = (SOURCE / "scripts/install-dependencies").read_text()
    build = re.search(r"^build_packages=\(\n(.*?)^\)", script, re.MULTILINE | re.DOTALL)[1]
    libraries = {name for name in build.split() if name.endswith("-dev")} - {"libgtest-dev"}
    assert libraries == {name for name in re.findall(r"^ ([\w+.-]+)", needed, re.MULTILINE)
                         if name.endswith("-dev") and name != "systemd-dev"}
