"""Tries a model without the orchestrator: python -m chortle_plugin check|serve MODULE:MODEL."""

from __future__ import annotations

import argparse
import importlib
import os
import shlex
import sys
from pathlib import Path

from . import ConfigError, Model, serve
from ._serve import add_allow_remote


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m chortle_plugin", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    check = commands.add_parser(
        "check",
        help="start a plugin as the orchestrator would, and see whether it keeps the contract",
        description="Starts a plugin as the orchestrator would, and sees whether it keeps the contract, "
        "with sound made on the spot. Exit code 0: it does; 1: it does not.",
    )
    check.add_argument("model", nargs="?", metavar="MODULE:MODEL", help="such as my_model:Model")
    check.add_argument("--command", dest="plugin", help="a plugin in any language, as given to --inferd")
    check.add_argument(
        "--sound",
        type=Path,
        action="append",
        default=[],
        metavar="FILE.WAV",
        help="let it hear this recording too; may be given several times",
    )
    check.add_argument("--timeout", type=float, default=60, metavar="SECONDS", help="for each answer (60)")

    alone = commands.add_parser(
        "serve",
        help="serve a model: to the orchestrator that starts this, or by itself with --listen",
        description="Serves a model. Without --listen the orchestrator must start it: "
        "orchestrator run --inferd 'python -m chortle_plugin serve my_model:Model'.",
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
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # or gRPC comments on every connection that ends
    from ._check import check_plugin

    own = [sys.executable, "-m", "chortle_plugin", "serve", args.model]
    return check_plugin(shlex.split(args.plugin) if args.plugin else own, args.timeout, args.sound)


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
