"""What the scripts that people start have in common."""

import errno
import os
import sys


def run(name, main):
    """Ends with the exit status of main(), or with 1 and one line if what it printed did not reach stdout."""
    try:
        try:
            status = main()
        except SystemExit as end:  # argparse
            status = end.code
        if sys.stdout is None:  # Python found descriptor 1 closed
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        sys.stdout.flush()
    except OSError as error:
        if sys.stdout is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # so that Python's own last flush does not fail
        print(f"{name}: error: the result could not be written to stdout: {error.strerror}", file=sys.stderr)
        status = 1
    sys.exit(status)
