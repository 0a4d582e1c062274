from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from hypothesis import settings

from chortle_plugin import Model
from chortle_plugin._gen import inference_pb2_grpc as pb_grpc
from chortle_plugin._host import Host
from chortle_plugin._server import Server

# No deadline: the machine may be busy. No database: what it found belongs into a test.
settings.register_profile("chortle", deadline=None, database=None)
settings.load_profile("chortle")

TESTS = Path(__file__).parent


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Callable[[Model], pb_grpc.InferenceServiceStub]]:
    """Serves a model in this process and returns a client of it."""
    servers: list[Server] = []
    channels: list[grpc.Channel] = []

    def start(model: Model) -> pb_grpc.InferenceServiceStub:
        servers.append(Server(model))
        address = f"unix:{tmp_path}/{len(servers)}"
        servers[-1].start(address)
        unlimited = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
        channels.append(grpc.insecure_channel(address, options=unlimited))
        return pb_grpc.InferenceServiceStub(channels[-1])  # type: ignore[no-untyped-call]

    yield start
    for channel in channels:
        channel.close()
    for server in servers:
        server.stop()


@pytest.fixture
def spawn() -> Iterator[Callable[[str], Host]]:
    """Starts a model of plugins.py as the orchestrator would."""
    hosts: list[Host] = []

    def start(name: str) -> Host:
        hosts.append(Host([sys.executable, str(TESTS / "plugins.py"), name], timeout=30))
        return hosts[-1]

    yield start
    for host in hosts:
        host.kill()
