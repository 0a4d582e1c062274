"""Keeps standard output for the handshake.

The host reads the handshake from the first line of standard output and gives up at anything else
there, such as a library's "loading…". So, under a host, descriptor 1 becomes a second
standard error as early as possible: prints from Python, from C and from child processes all land in
the log, also those that Python still had in its buffer.
"""

from __future__ import annotations

import io
import os
import sys

_host: int | None = None


def guard() -> int:
    """Point standard output to standard error, once; return a descriptor of the real one."""
    global _host
    if _host is None:
        _host = os.dup(1)  # not inherited: a grandchild must not hold the host's pipe
        os.dup2(2, 1)
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.flush()
            sys.stdout.reconfigure(line_buffering=True)
    return _host
