"""The gRPC server: the model's service, and what go-plugin wants beside it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from ._gen import inference_pb2, inference_pb2_grpc
from ._model import Model
from ._service import MAX_MESSAGE_BYTES, InferenceService

_SERVICE = inference_pb2.DESCRIPTOR.services_by_name["InferenceService"].full_name
_HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
# A thread a stream; go-plugin's host keeps two open (stdio, broker) beside those that classify.
_THREADS = 32


class Server:
    """Serves one model. Not started until start() is called."""

    def __init__(self, model: Model) -> None:
        options = (
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
            ("grpc.so_reuseport", 0),  # a second server on the same port is an error, not a lottery
        )
        # Not an Event: setting one twice from signal handlers locks up, a SimpleQueue allows for that.
        self._ending: SimpleQueue[None] = SimpleQueue()
        self._grpc = grpc.server(ThreadPoolExecutor(_THREADS, "grpc"), options=options)
        inference_pb2_grpc.add_InferenceServiceServicer_to_server(  # type: ignore[no-untyped-call]
            InferenceService(model), self._grpc
        )
        checks = health.HealthServicer()
        for name in ("", "plugin", _SERVICE):  # go-plugin asks for "plugin"
            checks.set(name, health_pb2.HealthCheckResponse.SERVING)
        health_pb2_grpc.add_HealthServicer_to_server(checks, self._grpc)
        reflection.enable_server_reflection((_SERVICE, _HEALTH, reflection.SERVICE_NAME), self._grpc)
        self._grpc.add_generic_rpc_handlers(self._go_plugin())

    def start(self, address: str) -> int:
        """Listen at HOST:PORT or unix:PATH; returns the port.

        Raises:
            OSError: the address cannot be had.

        """
        try:
            port = self._grpc.add_insecure_port(address)
        except RuntimeError as err:
            raise OSError(f"listen at {address}: {err}") from err
        self._grpc.start()
        return port

    def end(self) -> None:
        """Make wait() return. May be called from a signal handler, and more than once."""
        self._ending.put(None)

    def wait(self) -> None:
        """Return when the host, or end(), asked for the end."""
        self._ending.get()

    def stop(self) -> None:
        """Cancel what is under way and return when it has ended."""
        self._grpc.stop(grace=None).wait()

    def _go_plugin(self) -> tuple[grpc.GenericRpcHandler, ...]:
        """go-plugin's own services. Their messages are empty or never sent, so bytes will do."""

        def shutdown(request: bytes, context: grpc.ServicerContext) -> bytes:  # noqa: ARG001
            context.add_callback(self.end)  # once the answer is on its way
            return b""

        def hold(request: object, context: grpc.ServicerContext) -> Iterator[bytes]:  # noqa: ARG001
            ended = threading.Event()
            if context.add_callback(ended.set):
                ended.wait()
            return iter(())

        handlers: dict[str, dict[str, grpc.RpcMethodHandler[bytes, bytes]]] = {
            "plugin.GRPCController": {"Shutdown": grpc.unary_unary_rpc_method_handler(shutdown)},
            # What the plugin prints reaches the host by descriptor 2, so nothing ever comes here.
            "plugin.GRPCStdio": {"StreamStdio": grpc.unary_stream_rpc_method_handler(hold)},
            "plugin.GRPCBroker": {"StartStream": grpc.stream_stream_rpc_method_handler(hold)},
        }
        return tuple(grpc.method_handlers_generic_handler(name, methods) for name, methods in handlers.items())
