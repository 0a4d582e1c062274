"""Serves a model that hears laughter to Chortle's orchestrator.

Write a Model, and call serve() with it; everything else is done here: docs/writing-a-plugin.md.
"""

from . import _stdout
from ._errors import ConfigError, DescriptionError, PluginError, RequestError, ScoresError, StartError
from ._model import Description, Model, Samples
from ._serve import serve, under_host

__all__ = [
    "ConfigError",
    "Description",
    "DescriptionError",
    "Model",
    "PluginError",
    "RequestError",
    "Samples",
    "ScoresError",
    "StartError",
    "serve",
]

if under_host():
    # Now, and not in serve(): what models print while they load comes before it.
    _stdout.guard()
