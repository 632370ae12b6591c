"""Manual pages and completions: complete, clean, and loaded by the shells."""

import pathlib
import re
import subprocess

import pytest

SECONDS = 10
SOURCE = pathlib.Path(__file__).resolve().parents[2]
PAGES = {"l2_echo.8", "l2_multi_echo.8", "l2_probe.8", "l2echo-control.7", "l2echo-host-setup.8", "l2echo.toml.5"}


@pytest.fixture(scope="module")
def rendered(pytestconfig):
    return pathlib.Path(pytestconfig.getoption("build_dir")) / "docs/man"


def text_of(page):
    return subprocess.check_output(("mandoc", "-T", "utf8", "-O", "width=300", page), text=True, timeout=SECONDS)


def options_of(program, *before):
    text = subprocess.check_output((program, *before, "--help"), text=True, timeout=SECONDS)
    return set(re.findall(r"^  (?:-\w, )?(--[\w-]+)", text, re.MULTILINE))


@pytest.mark.parametrize("page", sorted(PAGES))
def test_page_is_clean(rendered, page):
    assert {path.name for path in rendered.glob("*.[1-8]")} == PAGES
    done = subprocess.run(("mandoc", "-T", "lint", "-W", "warning", rendered / page), capture_output=True, text=True,
                          check=False, timeout=SECONDS)
    assert done.stdout + done.stderr == ""
    assert "@" not in re.sub(r"\d@\d", "", text_of(rendered / page)), "a part was not filled in"


def test_pages_have_every_option(rendered, l2_multi_echo, l2_probe, pytestconfig):
    programs = {"l2_multi_echo.8": (l2_multi_echo, "--"), "l2_probe.8": (l2_probe, "--"),
                "l2echo-control.7": (f"{pytestconfig.getoption('build_dir')}/l2echo-control",),
                "l2echo-host-setup.8": ("scripts/host-setup",)}
    for page, program in programs.items():
        text = re.sub(r".\x08", "", text_of(rendered / page))
        missing = {option for option in options_of(*program) if not re.search(rf"{option}\b", text)} - {"--help"}
        assert not missing, page


def test_options_are_in_sections_if_there_are_several_groups(rendered):
    lines = text_of(rendered / "l2_multi_echo.8").splitlines()
    sections = [re.sub(r".\x08", "", line).strip() for line in lines if re.match(r"   \S", line)]
    assert sections[0] == "General" and {"Ports", "Rules"} <= set(sections) and "Options" not in sections
    lines = text_of(rendered / "l2echo-control.7").splitlines()
    assert not [line for line in lines if re.match(r"   \S", line)]


def test_options_page_has_what_help_says(rendered):
    arguments = ("/usr/bin/python3", "docs/man/render.py", "markdown", "docs/options.md",
                 rendered / "l2_multi_echo.help")
    page = subprocess.check_output(arguments, cwd=SOURCE, text=True, timeout=SECONDS)
    assert (SOURCE / "docs/options.md").read_text(encoding="utf-8") == page, \
        f"the options changed; type: {' '.join(map(str, arguments))} >options.md && mv options.md docs/"


def completed(rendered, *words):
    """What bash offers for the last word."""
    script = f"""source {rendered}/l2echo
    COMP_WORDS=({' '.join(f"'{word}'" for word in words)}) COMP_CWORD={len(words) - 1}
    _{re.sub(r'[^a-z0-9_]', '_', words[0])}; printf '%s\\n' "${{COMPREPLY[@]}}" """
    return subprocess.check_output(("bash", "-euc", script), text=True, timeout=SECONDS).split()


def test_bash_completes_options_on_their_side_of_the_dashes(rendered):
    assert "--vdev" in completed(rendered, "l2_multi_echo", "--v")
    assert "--raw" not in completed(rendered, "l2_multi_echo", "--")
    assert completed(rendered, "l2_multi_echo", "-l", "0-1", "--", "--acc") == ["--accept"]
    assert completed(rendered, "l2_multi_echo", "--", "--accept", "") == ["any", "own"]
    assert completed(rendered, "l2_multi_echo", "--", "--group", "") == ["refuse", "own-source"]
    assert completed(rendered, "l2_probe", "--", "--search", "n") == ["none", "ndr"]
    assert "--require-loss" in completed(rendered, "l2_probe", "--", "--raw", "--req")
    assert completed(rendered, "l2echo-host-setup", "--ta") == ["--take-kernel-interface"]


def test_bash_completes_values(rendered, tmp_path):
    assert completed(rendered, "l2_multi_echo", "--", "--tx-full", "") == ["drop", "retry="]
    assert completed(rendered, "l2_multi_echo", "--", "--idle", "sl") == ["sleep", "sleep="]
    for name in ("a.toml", "a.txt", "a.log"):
        (tmp_path / name).touch()
    (tmp_path / "a.d").mkdir()
    assert completed(rendered, "l2_probe", "--", "--config", f"{tmp_path}/a") == [
        f"{tmp_path}/a.d", f"{tmp_path}/a.toml"]
    assert set(completed(rendered, "l2_probe", "--", "--histogram", f"{tmp_path}/a.t")) == {
        f"{tmp_path}/a.toml", f"{tmp_path}/a.txt"}


VALUE_IS_DUE = [("l2_multi_echo", "--", "--match"), ("l2_multi_echo", "-l"), ("l2_probe", "--", "--rate"),
                ("l2echo-control", "--timeout"), ("l2echo-host-setup", "--bind")]


@pytest.mark.parametrize("words", VALUE_IS_DUE, ids=" ".join)
def test_nothing_is_offered_where_a_free_value_is_due(rendered, words):
    assert completed(rendered, *words, "") == []
    assert fish_offers(rendered, *words, "") == []


def test_commands_of_the_control_socket_are_offered_once(rendered):
    for offers in (completed, fish_offers):
        assert {"arm", "status", "--socket"} <= set(offers(rendered, "l2echo-control", ""))
        assert "arm" in offers(rendered, "l2echo-control", "--socket", "/run/x", "")
        assert offers(rendered, "l2echo-control", "--socket", "/run/x", "arm", "") == []


def fish_offers(rendered, *words):
    """What fish offers for the last word, without the descriptions."""
    script = f"source {rendered}/l2echo.fish; complete -C '{' '.join(words)}'"
    text = subprocess.check_output(("fish", "-c", script), text=True, timeout=SECONDS)
    return [line.split("\t")[0] for line in text.splitlines()]


def test_fish_completes_options_and_values(rendered, tmp_path):
    assert fish_offers(rendered, "l2_probe", "--", "--sea") == ["--search"]
    assert "--raw" not in fish_offers(rendered, "l2_multi_echo", "--")
    assert set(fish_offers(rendered, "l2_multi_echo", "--", "--tx-full", "")) == {"drop", "retry="}
    assert fish_offers(rendered, "l2echo-host-setup", "--ta") == ["--take-kernel-interface"]
    for name in ("a.toml", "a.txt"):
        (tmp_path / name).touch()
    assert fish_offers(rendered, "l2_probe", "--", "--config", f"{tmp_path}/a") == [f"{tmp_path}/a.toml"]
    assert f"{tmp_path}/a.txt" in fish_offers(rendered, "l2_probe", "--", "--histogram", f"{tmp_path}/a")


@pytest.mark.parametrize("shell, name", [("bash", "l2echo"), ("zsh", "_l2echo"), ("fish", "l2echo.fish")])
def test_shell_accepts_its_completions(rendered, shell, name):
    subprocess.run((shell, "-n", rendered / name), check=True, timeout=SECONDS)
    assert "--loop-check" in (rendered / name).read_text()
