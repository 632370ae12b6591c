#!/usr/bin/python3
"""Renders what the option tables know, for the build: manual pages and completions come from the programs' --help.

render.py page PAGE.scd HELP...         the page by scdoc, with @OPTIONS PROGRAM@, @KEYS @ and @COMMANDS @ filled in
render.py bash|zsh|fish HELP...         the completions for a shell

A HELP file holds what PROGRAM --help prints, and has the program's name.
"""

import dataclasses
import pathlib
import re
import subprocess
import sys

TEXT_COLUMN = 28  # where --help begins its second column
COMMANDS = "Commands of the control socket"
OPTIONS, GENERAL = "Options", "General"  # the first group in --help, and below the heading OPTIONS of a page
ONLY_ON_THE_COMMAND_LINE = {"--help", "--config", "--version", "--print-config", "--check-config"}
# EAL's own options, before "--": those that most command lines need.
EAL_OPTIONS = {
    "-l": "lcores: 0-3", "--lcores": "lcores on CPUs: 0@0,1@1", "--main-lcore": "the lcore that reports",
    "-n": "memory channels", "-a": "take this NIC", "-b": "leave this NIC", "--vdev": "make this device: net_tap0",
    "-m": "memory in MiB", "--no-huge": "without hugepages", "--no-pci": "without NICs", "--in-memory": "without files",
    "--no-shconf": "without shared files", "--file-prefix": "names of shared files", "--no-telemetry": "no telemetry",
    "--log-level": "what is logged: lib.eal:debug",
}


@dataclasses.dataclass
class Entry:
    group: str
    names: list  # the long name last
    value: str  # "TIME", "on|off"; empty: none
    text: str

    @property
    def choices(self):
        return [word for word in self.value.split("|") if word == word.lower()] if "|" in self.value else []


def read_help(path):
    """The entries of a --help text: a heading, then two columns."""
    entries, group = [], ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if heading := re.fullmatch(r"(\S.*):", line):
            group = heading[1]
        elif group and re.match(r"  \S", line):
            is_narrow = line[TEXT_COLUMN - 1:TEXT_COLUMN] in (" ", "")
            words = (line[:TEXT_COLUMN] if is_narrow else line).split()
            names = [word.rstrip(",") for word in words if word.startswith("-")] or words[:1]
            entries.append(Entry(group, names, " ".join(words[len(names):]), line[TEXT_COLUMN:] if is_narrow else ""))
        elif entries and line.startswith(" " * TEXT_COLUMN):
            entries[-1].text = f"{entries[-1].text} {line.strip()}".strip()
    return entries


def scdoc(text):
    return re.sub(r"([\\*_`])", r"\\\1", text)


def options(entries):
    """Returns the options for scdoc, a section for each group if there are several."""
    lines, group = [], ""
    has_sections = len({entry.group for entry in own(entries)}) > 1
    for entry in own(entries):
        if entry.group != group and has_sections:
            lines += [f"## {GENERAL if entry.group == OPTIONS else entry.group}", ""]
        group = entry.group
        names = ", ".join(f"*{scdoc(name)}*" for name in entry.names)
        lines += [f"{names} _{scdoc(entry.value)}_" if entry.value else names, f"\t{scdoc(entry.text)}", ""]
    return lines


def keys(entries):
    lines = []
    for entry in entries:
        if entry.group != COMMANDS and entry.names[-1] not in ONLY_ON_THE_COMMAND_LINE:
            value = entry.value or "true|false"
            lines += [f"*{entry.names[-1].lstrip('-')}* = _{scdoc(value)}_", f"\t{scdoc(entry.text)}", ""]
    return lines


def commands(entries):
    lines = []
    for entry in entries:
        if entry.group == COMMANDS:
            value = f" _{scdoc(entry.value)}_" if entry.value else ""
            lines += [f"*{entry.names[0]}*{value}", f"\t{scdoc(entry.text)}", ""]
    return lines


def page(source, programs):
    parts = {"OPTIONS": options, "KEYS": keys, "COMMANDS": commands}
    out = []
    for line in pathlib.Path(source).read_text(encoding="utf-8").splitlines():
        if part := re.fullmatch(r"@(\w+) (\S+)@", line):
            out += parts[part[1]](programs[part[2]])[:-1]
        else:
            out.append(line)
    roff = subprocess.run("scdoc", input="\n".join(out), capture_output=True, text=True, check=True).stdout
    return without_empty_paragraphs(roff)


def without_empty_paragraphs(roff):
    """scdoc ends each indented paragraph with .P, and begins each section with one: mandoc warns of both."""
    lines = [line for line in roff.replace(".P\n.RE\n", ".RE\n.P\n").splitlines() if line]
    kept = [""]
    for line, following in zip(lines, [*lines[1:], ".SH"]):
        begins = kept[-1].startswith((".TH", ".SH", ".SS", ".P", ".RS"))
        if line != ".P" or not (begins or following.startswith((".SH", ".SS", ".P", ".RS", ".RE"))):
            kept.append(line)
    return "\n".join(kept[1:])


def takes_eal(name):
    return not name.startswith("l2echo-")


def own(entries):
    return [entry for entry in entries if entry.group != COMMANDS]


def words_of(entries):
    return [name for entry in entries for name in entry.names]


def is_path(entry):
    return entry.value in ("FILE", "PATH", "FOLDER")


def bash(programs):
    out = ["# bash completion for l2echo, generated from --help", "# shellcheck shell=bash disable=SC2207", ""]
    for name, entries in programs.items():
        function = "_" + re.sub(r"\W", "_", name)
        cases = [f"    {'|'.join(entry.names)}) COMPREPLY=($(compgen -W '{' '.join(entry.choices)}' -- \"$word\")); "
                 "return ;;" for entry in own(entries) if entry.choices]
        paths = "|".join(name for entry in own(entries) if is_path(entry) for name in entry.names)
        cases += [f"    {paths}) COMPREPLY=($(compgen -f -- \"$word\")); return ;;"] if paths else []
        first = " ".join(EAL_OPTIONS) if takes_eal(name) else ""
        control = " ".join(entry.names[0] for entry in programs["l2_multi_echo"] if entry.group == COMMANDS)
        offered = " ".join(words_of(own(entries)))
        out += [f"{function}() {{", '  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} i',
                "  COMPREPLY=()"]
        if takes_eal(name):
            out += ["  local ours=0",
                    '  for ((i = 1; i < COMP_CWORD; i++)); do [[ ${COMP_WORDS[i]} != -- ]] || ours=1; done',
                    "  if ((ours == 0)); then",
                    f"    COMPREPLY=($(compgen -W '{first} -- --help --version' -- \"$word\"))", "    return", "  fi"]
        else:
            offered += f" {control}"
        out += ["  case $before in", *cases, "  esac"] if cases else []
        out += [f"  COMPREPLY=($(compgen -W '{offered}' -- \"$word\"))", "}", f"complete -F {function} {name}", ""]
    return "\n".join(out)


def quoted(text):
    return text.replace("'", "'\\''")


def zsh(programs):
    out = [f"#compdef {' '.join(programs)}", "# generated from --help", ""]
    eal = " ".join(f"'{name}:{quoted(text)}'" for name, text in EAL_OPTIONS.items())
    out += ["local -a eal ours", f"eal=({eal} '--:the options of l2echo follow')", "case $service in"]
    for name, entries in programs.items():
        described = [f"'{quoted(word)}:{quoted(entry.text).replace(':', chr(92) + ':')}'"
                     for entry in own(entries) for word in entry.names]
        if not takes_eal(name):
            described += [f"'{entry.names[0]}:{quoted(entry.text)}'" for entry in programs["l2_multi_echo"]
                          if entry.group == COMMANDS]
        out += [f"  {name})", f"    ours=({' '.join(described)})"]
        values = [f"      {'|'.join(entry.names)}) compadd -- {' '.join(entry.choices)}; return ;;"
                  for entry in own(entries) if entry.choices]
        paths = "|".join(word for entry in own(entries) if is_path(entry) for word in entry.names)
        values += [f"      {paths}) _files; return ;;"] if paths else []
        out += ["    case ${words[CURRENT-1]} in", *values, "    esac"] if values else []
        out += ["    ;;"]
    out += ["esac", "if [[ $service != l2echo-* && -z ${words[(r)--]} ]]; then", "  _describe option eal", "else",
            "  _describe option ours", "fi", ""]
    return "\n".join(out)


def fish(programs):
    """After -- fish offers no options by itself, so ours are offered as arguments."""
    out = ["# generated from --help", ""]
    before = "test (commandline -opc)[-1]"
    for name, entries in programs.items():
        if takes_eal(name):
            for word, text in EAL_OPTIONS.items():
                kind = f"-l {word[2:]}" if word.startswith("--") else f"-s {word[1:]}"
                out.append(f"complete -c {name} -n 'not contains -- -- (commandline -opc)' {kind} -d '{quoted(text)}'")
        condition = "contains -- -- (commandline -opc)" if takes_eal(name) else "true"
        for entry in own(entries):
            text = entry.text.replace("\\", "\\\\").replace("'", "\\'")
            word = entry.names[-1]
            out.append(f"complete -c {name} -n '{condition}' -f -a '{word}' -d '{text}'")
            if entry.choices:
                out.append(f"complete -c {name} -n '{before} = {word}' -x -a '{' '.join(entry.choices)}'")
            elif is_path(entry):
                out.append(f"complete -c {name} -n '{before} = {word}' -F")
        if not takes_eal(name):
            for entry in programs["l2_multi_echo"]:
                if entry.group == COMMANDS:
                    out.append(f"complete -c {name} -f -a {entry.names[0]} -d '{quoted(entry.text)}'")
    return "\n".join(out)


def main(kind, *arguments):
    source, *helps = arguments if kind == "page" else (None, *arguments)
    programs = {pathlib.Path(path).stem: read_help(pathlib.Path(path)) for path in helps}
    print(page(source, programs) if kind == "page" else {"bash": bash, "zsh": zsh, "fish": fish}[kind](programs))


if __name__ == "__main__":
    main(*sys.argv[1:])
