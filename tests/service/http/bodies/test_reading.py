from __future__ import annotations

import asyncio
import gzip
import io
import pathlib
import threading
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient

from service.core.settings import Settings
from service.http.bodies.json_bodies import SMALL_BYTES
from service.inference.upload_threads import Check, UploadThreads
from service.server.app import Application, create_app
from tests.service import bombs, picture_bombs

WAIT_S = 30
PNG = picture_bombs.png(28, 28)
Z = np.array([[0.5, -1.0]], np.float32)
DECODER = "/v2/models/fake.decoder/infer"
FORM = bombs.form_of_parts(2, content=PNG)
# The same pixels in more bytes than are read on the event loop.
LONG_PNG = picture_bombs.png(28, 28, extra=[picture_bombs.png_chunk(b"tEXt", bytes(9000))])
LONG_FORM = bombs.form_of_parts(2, content=LONG_PNG)


def npy(z: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, z)
    return file.getvalue()


# A body of each kind that there is.
BODIES = {
    "decode": ("/decode", "application/json", b'{"z": [0.5, -1]}'),
    "npy": ("/decode", "application/x-npy", npy(Z)),
    "sample": ("/sample", "application/json", b'{"n": 2, "seed": 1}'),
    "interpolate": ("/interpolate", "application/json", b'{"from": {"digit": 1}, "to": {"digit": 2}}'),
    "encode": ("/encode?polarity=light-on-dark", "image/png", PNG),
    "form": ("/encode?polarity=light-on-dark", "multipart/form-data; boundary=b", FORM),
    "reconstruct": ("/reconstruct?polarity=light-on-dark", "image/png", PNG),
    "infer": (
        DECODER,
        "application/json",
        b'{"id": "1", "inputs": [{"name": "z", "shape": [1, 2], "datatype": "FP32", "data": [0.5, -1]}]}',
    ),
    "index": ("/v2/repository/index", "application/json", b'{"ready": true}'),
}
PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "x-gzip": gzip.compress,
}


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("encoding", PACK)
def test_a_body_of_any_kind_may_be_packed(client: TestClient, kind: str, encoding: str) -> None:
    path, media_type, content = BODIES[kind]
    plain, packed = (
        client.post(path, content=body, headers={"content-type": media_type, **packing})
        for body, packing in ((content, {}), (PACK[encoding](content), {"content-encoding": encoding}))
    )
    assert plain.status_code == 200, plain.text
    assert packed.status_code == 200, packed.text
    assert packed.content == plain.content


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "aws-chunked"])
def test_another_encoding_is_415_and_named(client: TestClient, kind: str, encoding: str) -> None:
    path, media_type, content = BODIES[kind]
    answer = client.post(
        path, content=content, headers={"content-type": media_type, "content-encoding": encoding}
    )
    assert answer.status_code == 415
    assert f"Content-Encoding: expected gzip or deflate, received '{encoding}'" in answer.text


def test_two_lines_of_encodings_count_as_one(client: TestClient) -> None:
    lines = [("content-type", "application/json"), ("content-encoding", "gzip"), ("content-encoding", "gzip")]
    assert client.post("/decode", content=gzip.compress(b"{}"), headers=lines).status_code == 415


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize(
    ("content", "status", "says"),
    [
        (bombs.gzip_of_zeros(400_001), 413, "at most 400000 bytes once unpacked"),
        (bombs.gzip_of_zeros(100_000_000), 413, "at most 400000 bytes once unpacked"),
        (bombs.gzip_of_empty_members(1001), 413, "at most 1000 gzip members"),
        (gzip.compress(b"{}", mtime=0)[:-1], 400, "a whole body in gzip"),
        (b"{}", 400, "a body in gzip"),
        (b"", 400, "a body in gzip"),
    ],
)
def test_what_cannot_be_unpacked_is_refused(
    client: TestClient, kind: str, content: bytes, status: int, says: str
) -> None:
    path, media_type, _ = BODIES[kind]
    headers = {"content-type": media_type, "content-encoding": "gzip"}
    answer = client.post(path, content=content, headers=headers)
    assert answer.status_code == status, answer.text
    if kind in ("sample", "index") and len(content) > SMALL_BYTES:
        says = f"at most {SMALL_BYTES} bytes of JSON"  # packed as they are, they are too long
    assert f"body: expected {says}" in answer.text


# Bodies that are read in the places of the process.
SLOW = {
    "picture": ("/encode", {"content-type": "image/png"}, LONG_PNG),
    "two pictures": ("/reconstruct", {"content-type": "multipart/form-data; boundary=b"}, LONG_FORM),
    "form": (
        "/encode",
        {"content-type": "multipart/form-data; boundary=b"},
        bombs.form_of_parts(60, content=bytes(2000)),
    ),
    "ends": (
        "/interpolate",
        {"content-type": "multipart/form-data; boundary=b"},
        bombs.form_of_parts(1, name=b"from", content=LONG_PNG).replace(b"--b--\r\n", b"")
        + bombs.form_of_parts(1, name=b"to", content=LONG_PNG),
    ),
    "packed": (
        "/decode",
        {"content-type": "application/json", "content-encoding": "gzip"},
        bombs.gzip_of_zeros(300_000),
    ),
    "packed tensors": (
        DECODER,
        {"content-type": "application/json", "content-encoding": "gzip"},
        bombs.gzip_of_zeros(300_000),
    ),
}


class Blocked:
    """An application all of whose places are taken, until they are let go."""

    def __init__(self, app: Application, max_requests: int) -> None:
        self.app = app
        self.places = app.api.state.registry.places = UploadThreads(places=1, max_requests=max_requests)
        for engine in app.api.state.registry:
            engine.uploads.places = self.places
        self.begun, self.open = threading.Event(), threading.Event()

    def block(self, _: Check) -> str:
        self.begun.set()
        assert self.open.wait(WAIT_S)
        return "done"

    async def post(self, kind: str, **headers: str) -> httpx.Response:
        path, given, content = SLOW[kind]
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.post(path, content=content, headers=given | headers)


@pytest.fixture
def app(models_dir: pathlib.Path) -> Iterator[Application]:
    app = create_app(Settings(models_dir=models_dir, max_request_rows=64))
    with TestClient(app):
        yield app


@pytest.mark.parametrize("kind", SLOW)
def test_who_waits_too_long_for_a_place_is_answered_504(app: Application, kind: str) -> None:
    async def scene() -> httpx.Response:
        blocked = Blocked(app, 10)
        block = asyncio.create_task(blocked.places.run(blocked.block, 1, app.api.state.registry.open_call()))
        assert await asyncio.to_thread(blocked.begun.wait, WAIT_S)
        answer = await blocked.post(kind, **{"x-request-timeout-ms": "50"})
        assert blocked.places.requests == 1
        blocked.open.set()
        await block
        return answer

    answer = asyncio.run(scene())
    assert answer.status_code == 504
    assert "the deadline passed before the body was read" in answer.text


@pytest.mark.parametrize("kind", SLOW)
def test_who_finds_no_room_to_wait_is_answered_429(app: Application, kind: str) -> None:
    async def scene() -> httpx.Response:
        blocked = Blocked(app, 1)
        block = asyncio.create_task(blocked.places.run(blocked.block, 1, app.api.state.registry.open_call()))
        assert await asyncio.to_thread(blocked.begun.wait, WAIT_S)
        answer = await blocked.post(kind)
        blocked.open.set()
        await block
        return answer

    answer = asyncio.run(scene())
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize("kind", SLOW)
def test_for_who_goes_away_nothing_begins(app: Application, kind: str) -> None:
    async def scene() -> None:
        blocked = Blocked(app, 10)
        block = asyncio.create_task(blocked.places.run(blocked.block, 1, app.api.state.registry.open_call()))
        assert await asyncio.to_thread(blocked.begun.wait, WAIT_S)
        gone = asyncio.Event()
        request = asyncio.create_task(leave(app, kind, gone))
        while blocked.places.requests < 2:
            await asyncio.sleep(0)
        gone.set()
        await request
        assert blocked.places.requests == 1
        blocked.open.set()
        await block

    asyncio.run(asyncio.wait_for(scene(), WAIT_S))


async def leave(app: Application, kind: str, gone: asyncio.Event) -> None:
    """A request whose client goes away."""
    path, headers, content = SLOW[kind]
    messages = iter([{"type": "http.request", "body": content, "more_body": False}])

    async def receive() -> Any:
        if (message := next(messages, None)) is not None:
            return message
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(_: Any) -> None:
        pass

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "state": {},
    }
    await app(scope, receive, send)
