"""Tries a model without the orchestrator: python -m chortle_plugin check|serve MODULE:MODEL."""

from __future__ import annotations

import argparse
import importlib
import os
import shlex
import signal
import sys
import threading
from pathlib import Path

from . import ConfigError, Model, serve
from ._serve import add_allow_remote

# The model's own program sees nothing of this one's environment, but imports from the same places.
_SERVE = """
import sys
model, sys.path[:] = sys.argv[1], sys.argv[2:]
sys.argv[:] = ["python -m chortle_plugin", "serve", model]
from chortle_plugin.__main__ import main
sys.exit(main())
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m chortle_plugin", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    check = commands.add_parser(
        "check",
        help="start a plugin as the orchestrator would, and see whether it keeps the contract",
        description="Starts a plugin as the orchestrator would, with the few environment variables that it gets "
        "there, and sees whether it keeps the contract, with sound made on the spot. Exit code 0: it does; 1: it "
        "does not.",
    )
    check.add_argument("model", nargs="?", metavar="MODULE:MODEL", help="such as my_model:Model")
    check.add_argument("--command", dest="plugin", help="a plugin in any language, as given to --model")
    check.add_argument(
        "--sound",
        type=Path,
        action="append",
        default=[],
        metavar="FILE.WAV",
        help="let it hear this recording too, of 8 to 32 bits or floats, at the model's sample rate; "
        "may be given several times",
    )
    check.add_argument("--timeout", type=seconds, default=60, metavar="SECONDS", help="for each answer (60)")

    alone = commands.add_parser(
        "serve",
        help="serve a model: to the orchestrator that starts this, or by itself with --listen",
        description="Serves a model. Without --listen the orchestrator must start it: "
        "orchestrator run --model 'python -m chortle_plugin serve my_model:Model'.",
    )
    alone.add_argument("model", metavar="MODULE:MODEL", help="such as my_model:Model")
    alone.add_argument("--listen", metavar="ADDRESS", help="127.0.0.1:7070 or unix:PATH, for grpcurl")
    add_allow_remote(alone)

    args = parser.parse_args(argv)
    if args.command == "serve":
        serve(lambda: load(args.model), listen=args.listen, allow_remote=args.allow_remote)
        return 0
    if (args.model is None) == (args.plugin is None):
        check.error("name a model, or a plugin's --command")
    own = [sys.executable, "-c", _SERVE, args.model, *sys.path]
    command = own if args.plugin is None else split(args.plugin, check)
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda number, _: sys.exit(128 + number))  # by way of what ends the plugin
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # or gRPC comments on every connection that ends
    from ._check import check_plugin

    return check_plugin(command, args.timeout, args.sound)


def seconds(text: str) -> float:
    """A time that can be waited for."""
    value = float(text)
    if not 0 < value <= threading.TIMEOUT_MAX:  # also refuses NaN
        raise ValueError
    return value


def split(command: str, parser: argparse.ArgumentParser) -> list[str]:
    """The words of a command, as a shell has them."""
    try:
        words = shlex.split(command)
    except ValueError as err:
        parser.error(f"--command: {err}")
    if not words:
        parser.error("--command is empty")
    return words


def load(name: str) -> Model:
    """The model named MODULE:MODEL: a Model's class, or whatever returns one when it is called."""
    module, _, attribute = name.partition(":")
    if not attribute:
        raise ConfigError(f"load model {name!r}: want MODULE:MODEL, such as my_model:Model")
    try:
        make = getattr(importlib.import_module(module), attribute)
    except (AttributeError, ModuleNotFoundError) as err:
        raise ConfigError(f"load model {name!r}: {err}") from err
    model = make()
    if not isinstance(model, Model):
        raise ConfigError(
            f"load model {name!r}: it is a {type(model).__name__}, want a subclass of chortle_plugin.Model"
        )
    return model


if __name__ == "__main__":
    sys.exit(main())
