#!/usr/bin/python3
"""Renders what the option tables know: manual pages, completions and docs/options.md come from the programs' --help.

render.py page PAGE.scd HELP...         the page by scdoc, with @OPTIONS PROGRAM@, @KEYS @ and @COMMANDS @ filled in
render.py bash|zsh|fish HELP...         the completions for a shell
render.py markdown PAGE.md HELP         the page with its tables of options rendered again, between the marks

A HELP file holds what PROGRAM --help prints, and has the program's name.
"""

import dataclasses
import pathlib
import re
import subprocess
import sys

COMMANDS = "Commands of the control socket"
OPTIONS, GENERAL = "Options", "General"  # the first group in --help, and below a heading that says options
ONLY_ON_THE_COMMAND_LINE = {"--help", "--config", "--version", "--print-config", "--check-config"}
# Around the tables of options in a page of docs/.
BEGIN_TABLES = "<!-- begin: rendered from --help by docs/man/render.py -->"
END_TABLES = "<!-- end -->"
# EAL's own options, before "--": those that most command lines need.
EAL_OPTIONS = {
    "-l": "lcores: 0-3", "--lcores": "lcores on CPUs: 0@0,1@1", "--main-lcore": "the lcore that reports",
    "-n": "memory channels", "-a": "take this NIC", "-b": "leave this NIC", "--vdev": "make this device: net_tap0",
    "-m": "memory in MiB", "--no-huge": "without hugepages", "--no-pci": "without NICs", "--in-memory": "without files",
    "--no-shconf": "without shared files", "--file-prefix": "names of shared files", "--no-telemetry": "no telemetry",
    "--log-level": "what is logged: lib.eal:debug",
}
EAL_FLAGS = {"--no-huge", "--no-pci", "--in-memory", "--no-shconf", "--no-telemetry"}  # the others take a value


@dataclasses.dataclass
class Entry:
    group: str
    names: list  # the long name last
    value: str  # "TIME", "on|off"; empty: none
    text: str

    @property
    def choices(self):
        """The words that the value may be; "retry=N" begins with "retry="."""
        words = [re.sub(r"=[A-Z]+$", "=", word) for word in self.value.split("|")]
        return [word for word in words if word == word.lower()] if len(words) > 1 else []


def read_help(path):
    """The entries of a --help text: a heading, then two columns. The line of --help shows where the second begins."""
    text = path.read_text(encoding="utf-8").partition("\nexamples:\n")[0]
    column = re.search(r"^  -h, --help +", text, re.MULTILINE).end() - text.index("  -h, --help")
    entries, group = [], ""
    for line in text.splitlines():
        if heading := re.fullmatch(r"(\S.*):", line):
            group = heading[1].capitalize()
        elif group and re.match(r"  \S", line):
            is_narrow = line[column - 1:column] in (" ", "")
            words = (line[:column] if is_narrow else line).split()
            names = [word.rstrip(",") for word in words if word.startswith("-")] or words[:1]
            entries.append(Entry(group, names, " ".join(words[len(names):]), line[column:] if is_narrow else ""))
        elif entries and line.startswith(" " * column):
            entries[-1].text = f"{entries[-1].text} {line.strip()}".strip()
    return entries


def scdoc(text):
    return re.sub(r"([\\*_`])", r"\\\1", text)


def section(entry):
    return GENERAL if entry.group == OPTIONS else entry.group


def options(entries):
    """Returns the options for scdoc, a section for each group if there are several."""
    lines, group = [], ""
    has_sections = len({entry.group for entry in own(entries)}) > 1
    for entry in own(entries):
        if entry.group != group and has_sections:
            lines += [f"## {section(entry)}", ""]
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


def code(text):
    return "`" + text.replace("|", "\\|") + "`"


def tables(entries):
    """Returns a table for each group of options. --help ends a text with [RANGE; default VALUE; reloads]."""
    lines, group = [], ""
    for entry in own(entries):
        if entry.group != group:
            lines += ["", f"### {section(entry)}", "", "| option | default | reloads | what it does |",
                      "|---|---|---|---|"]
        group = entry.group
        text, _, tail = re.fullmatch(r"(.*?)( \[([^][]*)\])?", entry.text).groups(default="")
        properties = tail.split("; ") if tail else []
        default = "".join(code(part.removeprefix("default ")) for part in properties if part.startswith("default "))
        limits = "".join(f" ({part})" for part in properties if ".." in part)
        reloads = "yes" if "reloads" in properties else ""
        text = re.sub(r"(?<![\w-])--[a-z][\w-]*", lambda name: code(name[0]), text + limits).replace("|", "\\|")
        names = ", ".join(code(f"{name} {entry.value}".strip()) for name in entry.names)
        lines.append(f"| {names} | {default} | {reloads} | {text} |")
    return "\n".join([*lines[1:], ""])


def markdown(source, programs):
    before, begin, rest = pathlib.Path(source).read_text(encoding="utf-8").partition(BEGIN_TABLES)
    _, end, after = rest.partition(END_TABLES)
    if not end:
        sys.exit(f"render.py: error: {source}: the lines {BEGIN_TABLES} and {END_TABLES} are missing")
    [entries] = programs.values()
    return f"{before}{begin}\n{tables(entries)}\n{end}{after}".rstrip("\n")


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


def control_commands(name, programs):
    """The commands that may follow the options of l2echo-control."""
    entries = programs["l2_multi_echo"] if name == "l2echo-control" else []
    return [entry for entry in entries if entry.group == COMMANDS]


def words_of(entries):
    return [name for entry in entries for name in entry.names]


def is_path(entry):
    return entry.value in ("FILE", "PATH", "FOLDER")


def is_toml(entry):
    return entry.names[-1] == "--config"


def free_values(entries):
    """The options whose value is neither of a list nor a path: nothing can be offered for it."""
    return words_of(entry for entry in own(entries) if entry.value and not entry.choices and not is_path(entry))


def eal_options_with_value():
    return [name for name in EAL_OPTIONS if name not in EAL_FLAGS]


def bash(programs):
    out = ["# bash completion for l2echo, generated from --help", "# shellcheck shell=bash disable=SC2207", "",
           "# Offers these words; a word that ends in = is not complete, so no space follows it.",
           "_l2echo_words() {", "  COMPREPLY=($(compgen -W \"$1\" -- \"$2\"))",
           "  [[ ${COMPREPLY[*]} != *= ]] || compopt -o nospace 2>/dev/null || true", "}", "",
           "# _l2echo_files WORD [PATTERN]: offers files, and with a pattern only folders and the files that match it.",
           "_l2echo_files() {", "  if (($# == 1)); then COMPREPLY=($(compgen -f -- \"$1\"))",
           "  else COMPREPLY=($(compgen -d -- \"$1\") $(compgen -f -X \"!$2\" -- \"$1\")); fi",
           "  compopt -o filenames 2>/dev/null || true", "}", ""]
    for name, entries in programs.items():
        function = "_" + re.sub(r"\W", "_", name)
        paths = "|".join(words_of(entry for entry in own(entries) if is_path(entry) and not is_toml(entry)))
        cases = [f"    {'|'.join(entry.names)}) _l2echo_words '{' '.join(entry.choices)}' \"$word\"; return ;;"
                 for entry in own(entries) if entry.choices]
        cases += ["    --config) _l2echo_files \"$word\" '*.toml'; return ;;"
                  for entry in own(entries) if is_toml(entry)]
        cases += [f"    {paths}) _l2echo_files \"$word\"; return ;;"] if paths else []
        cases += [f"    {'|'.join(free_values(entries))}) return ;;"]
        offered = " ".join(words_of(own(entries)))
        out += [f"{function}() {{", '  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} i',
                "  COMPREPLY=()"]
        if takes_eal(name):
            out += ["  local ours=0",
                    '  for ((i = 1; i < COMP_CWORD; i++)); do [[ ${COMP_WORDS[i]} != -- ]] || ours=1; done',
                    "  if ((ours == 0)); then",
                    f"    case $before in {'|'.join(eal_options_with_value())}) return ;; esac",
                    f"    _l2echo_words '{' '.join(EAL_OPTIONS)} -- --help --version' \"$word\"", "    return", "  fi"]
        if commands_offered := control_commands(name, programs):
            offered += " " + " ".join(words_of(commands_offered))
            values = "|".join(words_of(entry for entry in own(entries) if entry.value))
            out += ["  for ((i = 1; i < COMP_CWORD; i++)); do  # nothing follows a command but its arguments",
                    f"    case ${{COMP_WORDS[i]}} in {values}) ((i += 1)) ;; -*) ;; *) return ;; esac", "  done"]
        out += ["  case $before in", *cases, "  esac"]
        out += [f"  _l2echo_words '{offered}' \"$word\"", "}", f"complete -F {function} {name}", ""]
    return "\n".join(out)


def quoted(text):
    return text.replace("'", "'\\''")


def zsh(programs):
    out = [f"#compdef {' '.join(programs)}", "# generated from --help", ""]
    eal = " ".join(f"'{name}:{quoted(text)}'" for name, text in EAL_OPTIONS.items())
    out += ["local -a eal ours", "local i", f"eal=({eal} '--:the options of l2echo follow')",
            "if [[ $service != l2echo-* && -z ${words[(r)--]} ]]; then",
            f"  case ${{words[CURRENT-1]}} in {'|'.join(eal_options_with_value())}) return ;; esac",
            "  _describe option eal", "  return", "fi", "case $service in"]
    for name, entries in programs.items():
        described = [f"'{quoted(word)}:{quoted(entry.text).replace(':', chr(92) + ':')}'"
                     for entry in own(entries) + control_commands(name, programs) for word in entry.names]
        out += [f"  {name})", f"    ours=({' '.join(described)})"]
        if control_commands(name, programs):
            values = "|".join(words_of(entry for entry in own(entries) if entry.value))
            out += ["    for ((i = 2; i < CURRENT; i++)); do  # nothing follows a command but its arguments",
                    f"      case ${{words[i]}} in ({values}) ((i += 1)) ;; (-*) ;; (*) return ;; esac", "    done"]
        values, glob = [], " -g '*.toml'"
        for entry in own(entries):
            if entry.choices:
                whole = [word for word in entry.choices if not word.endswith("=")]
                begun = [word for word in entry.choices if word.endswith("=")]
                values.append(f"      {'|'.join(entry.names)}) compadd -- {' '.join(whole)}"
                              + (f"; compadd -S '' -- {' '.join(begun)}" if begun else "") + "; return ;;")
            elif is_path(entry):
                values.append(f"      {'|'.join(entry.names)}) _files{glob if is_toml(entry) else ''}; return ;;")
        values.append(f"      {'|'.join(free_values(entries))}) return ;;")
        out += ["    case ${words[CURRENT-1]} in", *values, "    esac", "    ;;"]
    out += ["esac", "_describe option ours", ""]
    return "\n".join(out)


def fish(programs):
    """After -- fish offers no options by itself, so ours are offered as arguments."""
    out = ["# generated from --help", "",
           "# True after -- unless a value is due. The arguments are the options that take one, here and below.",
           "function __l2echo_ours", "    set -l words (commandline -opc)",
           "    contains -- -- $words; and not contains -- $words[-1] $argv", "end", "",
           "# True before a command, the first word that is no option and no value of one, unless a value is due.",
           "function __l2echo_no_command", "    set -l is_value 0", "    for word in (commandline -opc)[2..]",
           "        if test $is_value = 1", "            set is_value 0",
           "        else if contains -- $word $argv", "            set is_value 1",
           "        else if not string match -q -- '-*' $word", "            return 1", "        end", "    end",
           "    test $is_value = 0", "end", "",
           "function __l2echo_toml  # folders and files, with a description or without",
           r"    __fish_complete_suffix .toml | string match -r '^[^\t]*(?:\.toml|/)(?:\t.*)?$'", "end", ""]
    before = "test (commandline -opc)[-1]"
    for name, entries in programs.items():
        valued = "__valued_" + re.sub(r"\W", "_", name)
        out += [f"set -g {valued} " + " ".join(words_of(entry for entry in own(entries) if entry.value)),
                f"complete -c {name} -f"]
        if takes_eal(name):
            for word, text in EAL_OPTIONS.items():
                kind = f"-l {word[2:]}" if word.startswith("--") else f"-s {word[1:]}"
                kind += "" if word in EAL_FLAGS else " -x"
                out.append(f"complete -c {name} -n 'not contains -- -- (commandline -opc)' {kind} -d '{quoted(text)}'")
        condition = f"__l2echo_ours ${valued}" if takes_eal(name) else f"__l2echo_no_command ${valued}"
        for entry in own(entries) + control_commands(name, programs):
            text = entry.text.replace("\\", "\\\\").replace("'", "\\'")
            word = entry.names[-1]
            out.append(f"complete -c {name} -n '{condition}' -f -a '{word}' -d '{text}'")
            if entry.choices:
                out.append(f"complete -c {name} -n '{before} = {word}' -x -a '{' '.join(entry.choices)}'")
            elif is_toml(entry):
                out.append(f"complete -c {name} -n '{before} = {word}' -x -a '(__l2echo_toml)'")
            elif is_path(entry):
                out.append(f"complete -c {name} -n '{before} = {word}' -F")
    return "\n".join(out)


def main(kind, *arguments):
    by_page = {"page": page, "markdown": markdown}
    source, *helps = arguments if kind in by_page else (None, *arguments)
    programs = {pathlib.Path(path).stem: read_help(pathlib.Path(path)) for path in helps}
    print(by_page[kind](source, programs) if source else {"bash": bash, "zsh": zsh, "fish": fish}[kind](programs))


if __name__ == "__main__":
    main(*sys.argv[1:])
