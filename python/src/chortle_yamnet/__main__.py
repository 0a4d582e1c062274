"""Runs YAMNet under the orchestrator."""

from chortle_plugin import serve
from chortle_yamnet import YAMNet

serve(YAMNet)
