#!/usr/bin/env python3
"""Compares the code with the module rows of src/meson.build: check_structure.py SOURCE BUILD. Prints TAP."""

import ast
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

# Include patterns of libraries. fmt, CLI11, nlohmann's JSON, toml++ and libnuma need no flags, so only this test
# restricts them to the modules that declare them.
LIBRARIES = {"boost": r"boost/", "CLI11": r"CLI/", "dpdk": r"(rte_|ethdev_|bus_)", "fmt": r"fmt/", "json": r"nlohmann/",
             "numa": r"numa(if)?\.h$", "pcap": r"pcap/", "toml": r"toml\+\+/"}

# Symbols that per-frame code may use besides our own functions, with the reason.
DATAPATH_CALLS = {
    "memcmp": "compares addresses of a known length", "memcpy": "copies header bytes", "memmove": "packs mbuf pointers",
    "memset": "clears a header", "bcmp": "memcmp, as clang writes it", "__memcpy_chk": "memcpy in a hardened build",
    "__memmove_chk": "memmove in a hardened build", "__stack_chk_fail": "the end of a hardened build",
    "rte_eth_fp_ops": "rte_eth_rx_burst and rte_eth_tx_burst", "rte_eth_call_rx_callbacks": "rte_eth_rx_burst",
    "rte_eth_call_tx_callbacks": "rte_eth_tx_burst", "rte_mempool_ops_table": "rte_pktmbuf_alloc and free",
    "rte_pktmbuf_free_bulk": "frames that were not sent", "per_lcore__lcore_id": "the mempool cache of the lcore",
    "__tls_get_addr": "the same", "__rte_panic": "a mempool that lost its memory, in rte_mempool.h",
    "rte_get_tsc_hz": "the time of the next loop check", "__rte_pktmbuf_read": "a frame of several segments",
    "rte_hash_crc32_alg": "which CRC the CPU has, from DPDK 23.11 on",
    "rte_cpu_get_flag_enabled": "the same before, once, in rte_hash_crc.h", "rte_log": "the same",
    "__cpu_model": "whether the CPU has AVX2, in copy_and_sum()",
    "cbrt": "CUBIC, once per congestion",
    "rte_pktmbuf_copy": "a capture", "rte_pcapng_copy": "a capture",
    "rte_eth_link_get_nowait": "the link of a memif, until it is up",
    "rte_hash_add_key_data": "a new connection, in memory that the table has from its start",
    "rte_hash_del_key": "the end of a connection", "rte_hash_lookup_data": "the connection of a segment",
    "rte_hash_lookup_bulk_data": "those of a burst", "rte_hash_count": "connections, for tests",
    "rte_ipv4_frag_reassemble_packet": "a fragment", "rte_ipv6_frag_reassemble_packet": "the same",
    "rte_ip_frag_table_del_expired_entries": "fragments that wait too long", "rte_ip_frag_free_death_row": "the same",
    "rte_ipv4_fragment_packet": "a packet longer than the MTU", "rte_ipv6_fragment_packet": "the same",
    "_GLOBAL_OFFSET_TABLE_": "position-independent code",
}
# Names from <algorithm>. Other standard headers include it only in some compiler versions.
ALGORITHM = re.compile(r"\bstd::(ranges::)?(adjacent_find|(all|any|none)_of|clamp|copy(_n)?|count(_if)?|equal|"
                       r"fill(_n)?|find(_if)?|generate|is_sorted|(lower|upper)_bound|(max|min)(_element)?|minmax|"
                       r"reverse|rotate|search|(stable_)?sort|swap_ranges|transform|unique)\(")
# From fmt 11 on, only <fmt/ranges.h> has fmt::join.
USES = {"algorithm": (ALGORITHM, "std::ranges::find(a, b);"),
        "fmt/ranges.h": (re.compile(r"\bfmt::join\("), "fmt::join(a, b)")}
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    modules: tuple
    libraries: tuple


def read_rows(build_file):
    """The rows as Meson reads them: its lists of strings are valid Python."""
    text = re.search(r"^rows = (\[.*?^\])", build_file.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)[1]
    return [Row(name, tuple(modules), tuple(libraries)) for name, modules, libraries in ast.literal_eval(text)]


def includes_of(text):
    return INCLUDE.findall(text)


def used_by(path, include, names):
    """The target of an include: ("module", name, is_public), ("library", name, None), or None for a system header."""
    parts = include.split("/")
    if parts[0] == "l2echo":
        return "module", parts[1], True
    if len(parts) > 1 and parts[0] in names and include.endswith(".hpp"):  # not <net/if.h>
        return "module", parts[0], False
    for library, pattern in LIBRARIES.items():
        if re.match(pattern, include):
            return "library", library, None
    if include.endswith(".hpp"):
        return "module", f'unknown, "{include}" of {path.name}', False
    return None


def include_faults(row, texts, names):
    """Includes that the row does not declare, and declarations that no file uses. texts: path -> text."""
    faults, seen = [], set()
    for path, text in texts.items():
        for include in includes_of(text):
            used = used_by(path, include, names)
            if used and used[2] is False and path.parts[0] == "include":
                faults.append(f"{path}: is public, and includes the private {include}")
            if used is None or used[:2] == ("module", row.name):
                continue
            kind, name, is_public = used
            seen.add((kind, name))
            if is_public is False:
                faults.append(f"{path}: {include} is private to {name}")
            elif name not in (row.modules if kind == "module" else row.libraries):
                faults.append(f"{path}: includes {include}, and the row of {row.name} does not declare {name}")
    declared = {("module", name) for name in row.modules} | {("library", name) for name in row.libraries}
    faults += [f"the row of {row.name} declares {name}, which none of its files includes"
               for _, name in sorted(declared - seen)]
    return faults


def files_of(root, module):
    folders = (root / "include/l2echo" / module, root / "src" / module)
    paths = sorted(path for folder in folders for path in folder.rglob("*") if path.suffix in (".hpp", ".cpp"))
    return {path.relative_to(root): path.read_text(encoding="utf-8") for path in paths}


def compile_command(build, module):
    """The command that compiles the module's sources, without the source and output arguments."""
    commands = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    archives = (f"src/libl2echo_{module}.a.p/", f"src/libl2echo_{module}_datapath.a.p/")  # a module may have only one
    for entry in commands:
        if entry["output"].startswith(archives):
            words = shlex.split(entry["command"])
            words = [word for word, before in zip(words, ["", *words])
                     if word not in ("-MD", "-c", "-o", "-MF", "-MQ") and before not in ("-o", "-MF", "-MQ", "-c")]
            return entry["directory"], [word for word in words if pathlib.Path(word).name != "ccache"]
    raise LookupError(f"no source of {module} is in compile_commands.json")


def compiles(build, module, text):
    """None if the text compiles as a source of the module; else the first compiler error."""
    directory, command = compile_command(build, module)
    with tempfile.NamedTemporaryFile("w", suffix=".cpp", encoding="utf-8") as source:
        source.write(text)
        source.flush()
        done = subprocess.run([*command, "-fsyntax-only", source.name], cwd=directory, text=True, capture_output=True,
                              check=False, env={**os.environ, "LC_ALL": "C"})
    errors = [line for line in done.stderr.splitlines() if "error:" in line]
    return None if done.returncode == 0 else (errors or [done.stderr.strip()])[0]


def header_faults(root, build, module, pool):
    """Headers that do not compile alone. A header that a source includes first is checked by any build with
    -Dunity=off, such as that of the sanitize suite."""
    texts = files_of(root, module)
    first = {includes_of(text)[0] for path, text in texts.items() if path.suffix == ".cpp" and includes_of(text)}
    names = {path: str(path.relative_to("include" if path.parts[0] == "include" else "src"))
             for path in texts if path.suffix == ".hpp"}
    alone = {path: name for path, name in names.items() if name not in first}
    found = pool.map(lambda name: compiles(build, module, f'#include "{name}"\n#include "{name}"\n'),
                     alone.values())
    return [f"{path}: {error}" for path, error in zip(alone, found) if error]


def datapath_faults(archive):
    """Forbidden calls of per-frame code. The linker checks calls of our own functions against the rows."""
    listing = subprocess.run(["nm", "--undefined-only", "--format=just-symbols", archive], text=True,
                             capture_output=True, check=True).stdout
    symbols = {line.strip() for line in listing.splitlines() if line.strip() and not line.strip().endswith(":")}
    return [f"{archive.name} calls {symbol}" for symbol in sorted(symbols)
            if not symbol.startswith(("_ZN6l2echo", "_ZNK6l2echo")) and symbol not in DATAPATH_CALLS]


def privacy_faults(root, rows):
    """Public headers that no other module uses; these belong next to the sources. The headers of a module that nothing
    uses yet are its interface."""
    texts = {path: text for row in rows for path, text in files_of(root, row.name).items()}
    texts |= {path.relative_to(root): path.read_text(encoding="utf-8") for path in (root / "apps").glob("*.cpp")}

    def module_of(path):
        return path.parts[{"include": 2, "src": 1}[path.parts[0]]] if path.parts[0] != "apps" else "apps"

    needed, more = set(), {pathlib.Path("include") / include for path, text in texts.items()
                           for include in includes_of(text)
                           if include.startswith("l2echo/") and include.split("/")[1] != module_of(path)}
    while more:
        needed |= more
        more = {pathlib.Path("include") / include for path in more if path in texts
                for include in includes_of(texts[path]) if include.startswith("l2echo/")} - needed
    used = {module_of(path) for path in needed}
    return [f"{path}: no other module needs it; move it to src/{module_of(path)}/" for path in sorted(texts)
            if path.parts[0] == "include" and path not in needed and module_of(path) in used]


def use_faults(texts, pattern, header):
    """Files that use a declaration of the header without including it."""
    return [f"{path}: uses {use[0]} and does not include <{header}>" for path, text in texts.items()
            if (use := pattern.search(text)) and header not in includes_of(text)]


def self_faults(root, build, rows):
    """Checks that the checks find known violations."""
    names = {row.name for row in rows}
    wire = next(row for row in rows if row.name == "wire")
    upward = include_faults(wire, {pathlib.Path("a.cpp"): '#include "l2echo/echo/rules.hpp"\n'
                                                           '#include <fmt/format.h>\n'}, names)
    private = include_faults(wire, {pathlib.Path("b.cpp"): '#include "server/echo_workers.hpp"\n'
                                                            '#include <fmt/format.h>\n'}, names)
    faults = []
    if not any("does not declare echo" in fault for fault in upward):
        faults.append("an include of an undeclared module is not detected")
    if not any("private to server" in fault for fault in private):
        faults.append("an include of another module's private header is not detected")
    for header, (pattern, use) in USES.items():
        if not use_faults({pathlib.Path("c.cpp"): use}, pattern, header):
            faults.append(f"a use of <{header}> without including it is not detected")
    for row in rows:
        error = compiles(build, row.name, "#include <rte_mbuf.h>\n")
        if ("dpdk" in row.libraries) != (error is None):
            faults.append(f"{row.name}: rte_mbuf.h {'does not compile' if error else 'compiles'} contrary to its row")
    return faults


def main():
    root, build = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    rows = read_rows(root / "src/meson.build")
    names = {row.name for row in rows}
    folders = {path.name for folder in ("include/l2echo", "src") for path in (root / folder).iterdir() if path.is_dir()}
    all_files = [path for folder in ("include", "src", "apps", "tests", "bench")
                 for path in sorted((root / folder).rglob("*.[ch]pp"))]
    all_texts = {path.relative_to(root): path.read_text(encoding="utf-8") for path in all_files}
    checks = {"every folder is a row": sorted(folders ^ names),
              "public headers are needed by other modules": privacy_faults(root, rows),
              **{f"what uses <{header}> includes it": use_faults(all_texts, pattern, header)
                 for header, (pattern, _) in USES.items()},
              "DPDK compiles only where it is declared, and faults are detected": self_faults(root, build, rows)}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for row in rows:
            checks[f"{row.name} includes what its row declares"] = include_faults(row, files_of(root, row.name), names)
            checks[f"headers of {row.name} compile alone"] = header_faults(root, build, row.name, pool)
    for archive in sorted((build / "src").glob("*_datapath.a")):
        checks[f"{archive.stem} calls nothing that blocks, allocates or throws"] = datapath_faults(archive)
    print(f"1..{len(checks)}")
    for number, (name, faults) in enumerate(checks.items(), 1):
        print(f"{'not ok' if faults else 'ok'} {number} - {name}")
        for fault in faults:
            print(f"# {fault}")
    return 1 if any(checks.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
