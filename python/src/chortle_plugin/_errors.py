"""What can go wrong, in one tree.

    PluginError
    ├── StartError        this process cannot serve: nobody started it, or its socket cannot be made
    ├── DescriptionError  describe() says something that the contract does not allow
    ├── ConfigError       a model.toml, or a file that a model needs, cannot be used
    ├── ScoresError       predict() did not return one score in 0..1 for each label
    └── RequestError      the client broke the rules of inference.proto

The first three end the program before it serves, with their message and exit code 1. The last two
end one stream with a gRPC status, INTERNAL and the one that they carry; the program goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import grpc


class PluginError(Exception):
    """The root of the tree."""


class StartError(PluginError):
    """This process cannot serve: nobody started it, or its socket cannot be made."""


class DescriptionError(PluginError, ValueError):
    """describe() says something that the contract does not allow."""


class ConfigError(PluginError, ValueError):
    """A model.toml, or a file that a model needs, cannot be used."""


class ScoresError(PluginError, ValueError):
    """predict() did not return one score in 0..1 for each label."""


class RequestError(PluginError, ValueError):
    """The client broke the rules of inference.proto."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
