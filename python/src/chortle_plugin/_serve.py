"""Runs a model as a plugin of the orchestrator, or by itself."""

from __future__ import annotations

import argparse
import ipaddress
import logging
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from . import _log, _orphan, _stdout
from ._errors import PluginError, StartError
from ._model import Model

PROTOCOL_VERSION = 1
COOKIE_KEY, COOKIE_VALUE = "CHORTLE_PLUGIN", "finds-the-laughter-in-a-day"

_MAX_SOCKET_PATH = 107  # bytes, of a Unix socket's address

_logger = logging.getLogger("chortle_plugin")


def under_host() -> bool:
    """Whether an orchestrator started this process."""
    return os.environ.get(COOKIE_KEY) == COOKIE_VALUE


def serve(model: Model | Callable[[], Model], *, listen: str | None = None, allow_remote: bool = False) -> None:
    """Serve the model until the orchestrator asks for the end, then return. Call it from the main thread.

    Without `listen`, the program must have been started by the orchestrator; otherwise it says so
    and exits with 1, as it does when the model cannot be made or described.

    Args:
        model: what to serve: a Model, or better its class (or another callable that makes one), which
            is then called only when there is a host to serve.
        listen: serve there without any orchestrator, until SIGINT or SIGTERM: HOST:PORT, or
            unix:PATH. For grpcurl, and for `orchestrator run --attach`.
        allow_remote: listen on an address that other machines reach too: there is no password and no
            encryption.

    """
    try:
        if listen is None:
            _serve_host(model)
        else:
            _check_address(listen, allow_remote)
            _serve_alone(model, listen)
    except (PluginError, OSError) as err:
        print(f"{Path(sys.argv[0]).name}: {err}", file=sys.stderr)  # noqa: T201
        sys.exit(1)


def _serve_host(model: Model | Callable[[], Model]) -> None:
    if not under_host():
        raise StartError(
            "this is a plugin of Chortle's orchestrator, which starts it by `orchestrator run --model COMMAND`; "
            "to try it without, see `python -m chortle_plugin --help`"
        )
    if "PLUGIN_CLIENT_CERT" in os.environ:
        raise StartError("start plugin: the host wants AutoMTLS, which Chortle's plugins do not speak")
    stdout = _stdout.guard()
    _log.to_host()
    with _socket_path() as path:
        _orphan.end_with_host(stdout, lambda: _remove(path))  # before the model, which may take its time
        from ._server import Server  # grpc is not needed to say that nobody started us

        server = Server(model if isinstance(model, Model) else model())
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the host, which then ends us
        signal.signal(signal.SIGTERM, lambda *_: server.end())
        server.start(f"unix:{path}")
        os.write(stdout, f"1|{PROTOCOL_VERSION}|unix|{path}|grpc|\n".encode())
        _logger.info("serving", extra={"pid": os.getpid()})
        server.wait()
        server.stop()


@contextmanager
def _socket_path() -> Iterator[Path]:
    """A path for the socket, in the host's folder where it names one; removed at the end."""
    folder = os.environ.get("PLUGIN_UNIX_SOCKET_DIR") or tempfile.mkdtemp(prefix="plugin")  # 0700
    path = Path(folder) / f"plugin{os.getpid()}"
    try:
        if len(os.fsencode(path)) > _MAX_SOCKET_PATH:
            raise StartError(f"start plugin: {path} is too long for a socket; set TMPDIR to a shorter folder")
        yield path
    finally:
        _remove(path)


def _remove(path: Path) -> None:
    """Remove the socket and its folder, which was made for it alone, by the host or by us."""
    with suppress(OSError):
        path.unlink()
    with suppress(OSError):
        path.parent.rmdir()


def add_allow_remote(parser: argparse.ArgumentParser) -> None:
    """The flag of the programs that have --listen."""
    parser.add_argument(
        "--allow-remote",
        action="store_true",
        help="listen on an address that other machines reach: there is no password and no encryption",
    )


def _check_address(address: str, allow_remote: bool) -> None:
    """Refuse an address that other machines reach, unless that is wanted, and one where somebody answers."""
    if address.startswith("unix:"):
        # gRPC would take the path over, and remove it at its end.
        with socket.socket(socket.AF_UNIX) as other, suppress(OSError):
            other.connect(address.removeprefix("unix:"))
            raise StartError(f"listen on {address}: another process listens there; stop it, or choose another path")
    elif not (allow_remote or _is_loopback(address.rpartition(":")[0])):
        raise StartError(
            f"listen on {address}: other machines may reach it, and there is no password; "
            "listen on 127.0.0.1:PORT, or add --allow-remote"
        )


def _is_loopback(host: str) -> bool:
    """Whether only this machine reaches a host; inferd has the same rule."""
    try:
        return host == "localhost" or ipaddress.ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False


def _serve_alone(model: Model | Callable[[], Model], address: str) -> None:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    from ._server import Server

    server = Server(model if isinstance(model, Model) else model())
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda *_: server.end())
    port = server.start(address)
    where = address if address.startswith("unix:") else f"{address.rpartition(':')[0]}:{port}"
    _logger.info("serving at %s; try: grpcurl -plaintext %s list", where, where.replace("unix:", "unix://"))
    server.wait()
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.SIG_DFL)  # a second one ends at once, whatever the model is doing
    server.stop()
