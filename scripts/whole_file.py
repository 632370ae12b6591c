"""Writes a file completely or not at all."""

import contextlib
import errno
import os
import pathlib
import tempfile


def replace_text(path, text):
    """Writes a temporary file beside it and renames that, so a full disk or a signal leaves the old file intact."""
    path = pathlib.Path(os.path.realpath(path))  # a link stays one
    if path.exists() and not path.is_file():  # a pipe, /dev/null
        path.write_text(text, encoding="utf-8")
        return
    with temporary_folder_beside(path) as folder:
        new = folder / path.name
        with open(new, "x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            new.chmod(path.stat().st_mode & 0o7777)
        try:
            new.replace(path)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            path.write_text(text, encoding="utf-8")  # a mount point: a file mounted into a container


@contextlib.contextmanager
def temporary_folder_beside(path):
    """Is on the same file system, so that a file made there can replace the path by a rename."""
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        yield pathlib.Path(folder)
