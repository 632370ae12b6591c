"""Runs the commands in README and docs as written.

A block of commands is fenced as ```sh. The blocks of a document run in order, in one shell, in a folder that looks
like the source tree; a folder of the test takes the place of /tmp, which other tests use too. `<!-- not run: REASON
-->` above a block exempts it; `<!-- shows: PATTERN -->` above it must be found in what the block prints.
"""

import contextlib
import os
import pathlib
import re
import signal
import subprocess

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(path.relative_to(SOURCE) for path in (*SOURCE.glob("*.md"), *SOURCE.glob("docs/*.md")))
BLOCK = re.compile(r"(?:^<!-- (?P<mark>not run|shows): (?P<text>.+?) -->\n+)?^```(?P<kind>\S*)\n(?P<body>.*?)^```$",
                   re.MULTILINE | re.DOTALL)
KINDS = {"sh", "text", "toml", "json", "cpp"}
LIMIT_SECONDS = 180
END_OF_BLOCK = "=== end of block {} ==="
# They send their readers to scripts/quickstart, which builds less than a full build does.
AFTER_QUICKSTART = {pathlib.Path("README.md"), pathlib.Path("docs/tutorial.md")}


def blocks_of(document):
    return list(BLOCK.finditer((SOURCE / document).read_text(encoding="utf-8")))


def commands_of(document):
    return [block for block in blocks_of(document) if block["kind"] == "sh" and block["mark"] != "not run"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_block_names_its_language(document):
    kinds = {block["kind"] for block in blocks_of(document)}
    assert kinds <= KINDS, f"{document}: name the language of each block: {', '.join(sorted(KINDS))}"
    fences = re.findall(r"^```", (SOURCE / document).read_text(encoding="utf-8"), re.MULTILINE)
    assert len(fences) == 2 * len(blocks_of(document)), f"{document}: a block is not closed"


def built_by_quickstart():
    words = re.search(r"\bninja -C build (.+)", (SOURCE / "scripts/quickstart").read_text(encoding="utf-8"))[1].split()
    return {word for word in words if not word.startswith("-")}


@pytest.mark.parametrize("document", sorted(AFTER_QUICKSTART), ids=str)
def test_quickstart_builds_every_program_that_the_document_uses(document):
    commands = "".join(block["body"] for block in blocks_of(document) if block["kind"] == "sh")
    used = set(re.findall(r"\bbuild/([\w-]+)", commands))
    if "scripts/host-setup" in commands:
        used.add("interface-use")  # host-setup asks it what the kernel uses an interface for
    assert used and used <= built_by_quickstart()


def make_build(folder, build, names):
    """Makes a build folder that has only these of the programs."""
    folder.mkdir()
    for name in names:
        (folder / name).symlink_to(build / name)


@pytest.fixture
def tree(document, tmp_path, pytestconfig):
    """What the commands see: a writable copy of the source tree with a build in it."""
    folder = tmp_path / "l2echo"
    folder.mkdir()
    for entry in SOURCE.iterdir():
        if not entry.name.startswith((".", "build")):
            (folder / entry.name).symlink_to(entry)
    build = pathlib.Path(pytestconfig.getoption("build_dir")).resolve()
    if document in AFTER_QUICKSTART:
        make_build(folder / "build", build, built_by_quickstart())
    else:
        (folder / "build").symlink_to(build)
    (tmp_path / "tmp").mkdir()
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "sudo").write_text('#!/bin/sh\nexec "$@"\n', encoding="utf-8")
    (tools / "sudo").chmod(0o755)
    return folder


def run(script, tree, output):
    """Runs the script in its own session, so that leftover processes can be ended."""
    environment = {**os.environ, "PATH": f"{tree.parent}/tools:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}
    with open(output, "wb") as file:
        shell = subprocess.Popen(["bash", "-euc", script], cwd=tree, env=environment, stdin=subprocess.DEVNULL,
                                 stdout=file, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            return shell.wait(LIMIT_SECONDS)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGKILL)
            shell.wait()


@pytest.mark.parametrize("document", [document for document in DOCUMENTS if commands_of(document)], ids=str)
def test_commands_do_what_the_document_shows(document, tree, tmp_path):
    blocks = commands_of(document)
    script = "".join(f"{block['body']}\necho '{END_OF_BLOCK.format(i)}'\n" for i, block in enumerate(blocks))
    status = run(script.replace("/tmp/", f"{tmp_path}/tmp/"), tree, tmp_path / "output")
    text = (tmp_path / "output").read_text(errors="replace")
    for i, block in enumerate(blocks):
        printed, end, text = text.partition(END_OF_BLOCK.format(i))
        assert end, f"{document}: exit status {status} in\n{block['body']}\nIt printed:\n{printed}"
        if block["mark"] == "shows":
            assert re.search(block["text"], printed, re.MULTILINE), f"not in the output of\n{block['body']}:\n{printed}"
    assert status == 0
