"""The terminal face, derived from the catalogues."""

import os
import sys

from rakurs.app.lean_start import start_lean
from rakurs.cli.root import STOPPED, app

__all__ = ["main"]


def main() -> None:
    """Run one command; the exit code tells how it went."""
    start_lean()
    # A machine whose locale cannot say a Russian word still gets the answer.
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="replace")
    try:
        app(prog_name="rakurs")
    except SystemExit as end:
        if end.code == STOPPED:
            # An engine interrupted in the middle of a query leaves the interpreter marked as killed by the signal,
            # and it would exit so. Everything is closed by now.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(STOPPED)
        raise
