"""Lists the `PEERS`: what is compared, how each starts, what it is asked.

The files beside this one are their code and the packages they need.
"""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Literal

Answer = Literal["empty", "png", "tensor"]

# The graph that all of them serve.
DECODER = pathlib.Path(__file__).parents[2] / "models" / "mnist-2d" / "decoder.onnx"
VECTOR = '{"z":[0.5,-1.0]}'
TENSOR = '{"inputs":[{"name":"z","shape":[1,2],"datatype":"FP32","data":[0.5,-1.0]}]}'


@dataclasses.dataclass(frozen=True)
class Peer:
    """A server to measure.

    Attributes:
        name: On the command line, in the table.
        what: It is, in a few words.
        command: Program of its environment and arguments; `{port}` stands for the port.
        variables: Of its process; `{port}` as in `command`, `{folder}` for a temporary folder of its own.
        environment: Whose `.txt` lists its packages; None: the service's own.
        package: Whose version the table names.
        path: Of the request.
        body: Of the request.
        answer: What must come back.
        folder: In which it runs; None: that of the project.
    """

    name: str
    what: str
    command: tuple[str, ...]
    package: str
    environment: str | None
    variables: tuple[tuple[str, str], ...] = ()
    path: str = "/decode"
    body: str = VECTOR
    answer: Answer = "png"
    folder: pathlib.Path | None = None


def _uvicorn(app: str) -> tuple[str, ...]:
    return (
        "uvicorn",
        f"benchmarks.peers.{app}",
        "--port",
        "{port}",
        "--no-access-log",
        "--log-level=warning",
    )


def _module(name: str) -> tuple[str, ...]:
    return ("python", "-m", f"benchmarks.peers.{name}")


OURS = Peer(
    "ours",
    "this service",
    ("python", "-m", "service"),
    "fastapi",
    None,
    (("CVAE_PORT", "{port}"), ("CVAE_LOG_LEVEL", "warning")),
)
MOSEC = (*_module("mosec"), "--port", "{port}", "--address", "127.0.0.1", "--log-level", "warning")

PEERS = (
    Peer(
        "empty",
        "FastAPI, an endpoint that does nothing",
        _uvicorn("empty:app"),
        "fastapi",
        "empty",
        path="/empty",
        answer="empty",
    ),
    Peer(
        "empty-body",
        "the same, its JSON body validated",
        _uvicorn("empty:app"),
        "fastapi",
        "empty",
        path="/body",
        answer="empty",
    ),
    # Beside what it is compared with first: the machine's speed drifts.
    OURS,
    Peer(
        "mosec",
        "mosec, batches of 16, our PNG writer, no checks",
        MOSEC,
        "mosec",
        "mosec",
        (("MAX_BATCH", "16"),),
    ),
    Peer(
        "mosec-64",
        "the same, batches of 64",
        MOSEC,
        "mosec",
        "mosec",
        (("MAX_BATCH", "64"),),
    ),
    Peer("asgi", "bare ASGI, a batch a turn, ISA-L PNG, no checks", _uvicorn("asgi:app"), "uvicorn", "asgi"),
    Peer(
        "typical", "FastAPI, def endpoint, onnxruntime, Pillow", _uvicorn("typical:app"), "fastapi", "typical"
    ),
    Peer("litserve", "LitServe, batching, ZeroMQ", (*_module("litserve"), "{port}"), "litserve", "litserve"),
    Peer(
        "bentoml",
        "BentoML, async method, Pillow",
        ("bentoml", "serve", "benchmarks.peers.bentoml:Decoder", "--port", "{port}"),
        "bentoml",
        "bentoml",
    ),
    Peer(
        "ray",
        "Ray Serve, batching, HAProxy, tuned for throughput",
        (*_module("ray"), "{port}"),
        "ray",
        "ray",
        (
            ("RAY_SERVE_ENABLE_HA_PROXY", "1"),
            ("RAY_SERVE_THROUGHPUT_OPTIMIZED", "1"),
            ("RAY_SERVE_HAPROXY_CONFIG_FILE_LOC", "{folder}/haproxy.cfg"),
            ("RAY_SERVE_HAPROXY_SOCKET_PATH", "{folder}/admin.sock"),
            ("RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH", "{folder}/metrics.sock"),
            ("RAY_SERVE_HAPROXY_SERVER_STATE_BASE", "{folder}"),
            ("RAY_SERVE_HAPROXY_SERVER_STATE_FILE", "{folder}/server-state"),
        ),
    ),
    Peer(
        "mlserver",
        "MLServer, V2 JSON in and out, no PNG",
        ("mlserver", "start", "benchmarks/peers"),
        "mlserver",
        "mlserver",
        (
            ("MLSERVER_HTTP_PORT", "{port}"),
            ("MLSERVER_GRPC_PORT", "0"),
            ("MLSERVER_METRICS_ENDPOINT", ""),
            ("MLSERVER_DEBUG", "false"),
            ("MLSERVER_PARALLEL_WORKERS", "0"),
            ("MLSERVER_MODEL_NAME", "decoder"),
            ("MLSERVER_MODEL_IMPLEMENTATION", "benchmarks.peers.mlserver.Decoder"),
        ),
        path="/v2/models/decoder/infer",
        body=TENSOR,
        answer="tensor",
    ),
    Peer(
        "flask",
        "Flask and gunicorn, Keras in the request",
        (
            "gunicorn",
            "benchmarks.peers.flask:app",
            "--bind=127.0.0.1:{port}",
            "--threads=4",
            "--log-level=warning",
        ),
        "flask",
        "flask",
    ),
)
