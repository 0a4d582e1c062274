"""Ends this process when the host has gone without saying goodbye, as after SIGKILL.

The kernel tells by the pipe of standard output: the host holds its only reading end, so when that
is gone, the host is. Unlike PR_SET_PDEATHSIG this also works for the grandchild of a host (a plugin under a
shell or `uv run`), and it does not mistake the end of a parent's thread for its death. The parent
is watched as well, for hosts that gave no pipe.

What the plugin started goes with it, by the process group that the host made for it.
"""

from __future__ import annotations

import os
import select
import signal
import threading
from collections.abc import Callable
from pathlib import Path

_LOOK_AT_PARENT_MS = 1000


def end_with_host(stdout: int, clean_up: Callable[[], None]) -> None:
    """Watch from a thread of its own until the process ends.

    Args:
        stdout: descriptor of the standard output that the host gave.
        clean_up: called before the end; must not raise.

    """
    parent = os.getppid()  # 1 is a parent like any other: a host may be a container's first process
    ours = _is_ours(group := os.getpgrp(), stdout)  # now: the leader may die with the host

    def watch() -> None:
        poll = select.poll()
        poll.register(stdout, 0)  # errors and hang-ups are reported unasked
        while not poll.poll(_LOOK_AT_PARENT_MS) and os.getppid() == parent:
            pass
        clean_up()
        if ours:
            os.killpg(group, signal.SIGKILL)  # this process too
        os._exit(1)  # at once, whatever the model is doing: nobody waits for it

    threading.Thread(target=watch, name="end-with-host", daemon=True).start()


def _is_ours(group: int, stdout: int) -> bool:
    """Whether the host made this process group for the plugin, so that nobody else is in it.

    Its leader then is the plugin, or a program around it whose standard output is the plugin's own:
    the pipe to the host. A host that makes no group, or a person's shell, has another.
    """
    if group == os.getpid():
        return True
    try:
        return os.path.samestat(Path(f"/proc/{group}/fd/1").stat(), os.fstat(stdout))
    except OSError:  # the leader is gone, or this system has no /proc
        return False
