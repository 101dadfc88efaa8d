"""Asks a service for all kinds of things, and prints what each has imported: `python -m ... MODELS`."""

from __future__ import annotations

import asyncio
import json
import pathlib
import sys
from typing import Any

import numpy as np

from service.core.settings import Settings
from service.fastpath.protocol import STATE
from service.imaging.formats.png import write_png
from service.inference.registry import Registry
from service.server.app import create_app
from tests.service.wire import connect

PNG = write_png(np.tile(np.arange(28, dtype=np.uint8) * 9, (28, 1))[:, :, np.newaxis])
TENSOR = {"name": "z", "shape": [1, 2], "datatype": "FP32", "data": [0.5, -1.0]}
JSON, FORM = "application/json", "multipart/form-data; boundary=x"
PART = b'--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n%b\r\n--x--\r\n'


def get(target: str, method: str = "GET", **fields: Any) -> bytes:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"{method} {target} HTTP/1.1\r\nhost: here\r\n{lines}\r\n".encode()


def post(target: str, content: Any, kind: str = JSON, **fields: Any) -> bytes:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return get(target, "POST", content_type=kind, content_length=len(body), **fields) + body


REQUESTS = [
    *(get(f"/decode.{each}?z=0.5,-1.0") for each in ("png", "webp", "json", "npy", "zip")),
    *(get(f"/sample.{each}?n=200&seed=1") for each in ("png", "webp", "npy", "json", "zip")),
    *(get(f"/interpolate.{each}?from=0,0&to=1,1&steps=200") for each in ("gif", "apng", "ndjson", "zip")),
    get("/interpolate.webp?from=0,0&to=1,1&steps=4"),
    get("/decode.png?z=0.5,-1.0&colormap=viridis&scale=4&resample=smooth"),
    get("/decode.png?z=0.5,-1.0", if_none_match="*"),
    get("/decode.png?z=0.5,-1.0", "HEAD"),
    get("/digits/1?seed=1", accept="image/webp"),
    *(get(f"/latent-map.{each}?size=200") for each in ("png", "webp", "json")),
    get("/manifold.png?n=4"),
    *(get(path) for path in ("/models", "/models/fake", "/models/fake/card", "/models/fake/latents")),
    *(
        get(path)
        for path in ("/health/live", "/health/ready", "/metrics", "/openapi.json", "/docs", "/redoc")
    ),
    get("/metrics", accept="application/openmetrics-text"),
    *(get(path) for path in ("/nothing", "/decode.png?z=one", "/decode.png?z=0,0&model=other")),
    post("/decode", {"z": [0.5, -1.0]}),
    post("/decode", {"z": [0.5, "one"]}),
    post("/decode?format=npy", {"z": [[0.5, -1.0]] * 200}),
    post("/encode", PNG, "image/png"),
    post("/encode", b"not a picture", "image/png"),
    post("/encode?seed=1", PART % PNG, FORM),
    post("/reconstruct", PNG, "image/png"),
    *(
        post("/v2/models/fake.decoder/infer", {"inputs": [TENSOR]}, **more)
        for more in ({}, {"accept_encoding": "gzip"})
    ),
    get("/v2/models/fake.decoder"),
    get("/v2/models/stats"),
    post("/v2/repository/index", b""),
]


async def main(models: pathlib.Path) -> None:
    settings = Settings(models_dir=models)
    registry = Registry(settings)
    registry.start()
    app = create_app(settings, registry)
    found: dict[str, tuple[str, list[str]]] = {}
    async with app.api.router.lifespan_context(app.api) as state:
        assert state is not None
        path: Any = state[STATE]
        for i, request in enumerate(REQUESTS):
            connection = connect(app, path)
            before = set(sys.modules)
            await connection.send(request)
            said = await connection.read()
            status, line = said[9:12].decode(), request.partition(b"\r\n")[0].decode()
            found[f"{i} {line}"] = status, sorted(set(sys.modules) - before)
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main(pathlib.Path(sys.argv[1])))
