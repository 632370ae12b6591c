#!/usr/bin/python3 -IS
"""Copies the parts of Python's library that the named programs need to a root folder, compiled.

usage: copy_python.py ROOT PROGRAM...
"""

import ast
import importlib
import importlib.util
import pathlib
import py_compile
import shutil
import sys

# Modules that Python and its library import only on demand; "signal" and "traceback" after an error.
LATER = ("encodings.ascii", "encodings.idna", "linecache", "locale", "posixpath", "runpy", "signal", "site",
         "sysconfig", "textwrap", "tokenize", "traceback")


def imported(source):
    """The modules named in the import statements of a program, at any level."""
    for node in ast.walk(ast.parse(source.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


def copy_compiled(source, root):
    """Writes the compiled file where the source would be, where Python finds it without a source."""
    target = root / source.relative_to("/").with_suffix(".pyc")
    target.parent.mkdir(parents=True, exist_ok=True)
    compiled = pathlib.Path(importlib.util.cache_from_source(source))
    if compiled.exists():
        shutil.copy(compiled, target)
    else:
        py_compile.compile(source, target, doraise=True)


def main(root, *programs):
    for program in programs:
        for name in imported(program):
            if importlib.util.find_spec(name.partition(".")[0]):  # else it is one of the program's own modules
                importlib.import_module(name)
    for name in LATER:
        importlib.import_module(name)
    names = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    files = {pathlib.Path(name) for name in names if name}
    for file in files - {pathlib.Path(__file__)}:
        if file.suffix == ".py":
            copy_compiled(file, root)
        else:
            target = root / file.relative_to("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:]))
