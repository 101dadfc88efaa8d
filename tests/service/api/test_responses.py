"""For whom answers are made, and what of that leaves the event loop."""

from __future__ import annotations

import asyncio
import gzip
import json
import pathlib
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from service.api import responses, uploads
from service.core.settings import Settings
from service.http import offload
from service.http.bodies import reading
from service.imaging import writers
from service.inference import image_inputs
from service.inference.engine import INLINE_DECODE_ROWS
from service.server.app import Application, create_app
from service.v2 import infer
from tests.pauses import ask
from tests.service import fake
from tests.service.bombs import form_of_parts
from tests.service.picture_bombs import png

JSON = {"content-type": "application/json"}
NOISE = np.random.RandomState(0).bytes(2 * reading.INLINE_BYTES)
PIXELS = np.full((28, 28), 0.5).tolist()
MOST = offload.INLINE_PIXELS // fake.PIXELS
# Of uploads.
MOST_FILES = image_inputs.INLINE_PIXELS // fake.PIXELS
DECODER, ENCODER = "/v2/models/fake.decoder/infer", "/v2/models/fake.encoder/infer"


def tensor(name: str, shape: list[int]) -> dict[str, Any]:
    data = np.zeros(shape).tolist()
    return {"inputs": [{"name": name, "shape": shape, "datatype": "FP32", "data": data}]}


# Of each route that runs a model: the method, where, and the body; and whose batcher it waits for.
ROUTES: dict[str, tuple[str, str, Any, str]] = {
    "decode": ("POST", "/decode", {"z": [0, 0]}, "_decoder"),
    "decoded url": ("GET", "/decode.json?z=0,0", None, "_decoder"),
    "sample": ("POST", "/sample", {"n": 4}, "_decoder"),
    "long sample": ("POST", "/sample?format=zip", {"n": 200}, "_decoder"),
    "digit": ("GET", "/digits/3?seed=1", None, "_decoder"),
    "manifold": ("GET", "/manifold.png?n=3", None, "_decoder"),
    "interpolate": ("POST", "/interpolate", {"from": {"digit": 1}, "to": {"digit": 2}}, "_decoder"),
    "long path": ("GET", "/interpolate.zip?from=0,0&to=1,1&steps=200", None, "_decoder"),
    "picture's path": ("POST", "/interpolate", {"from": {"pixels": PIXELS}, "to": {"digit": 2}}, "_encoder"),
    "encode": ("POST", "/encode", {"pixels": PIXELS}, "_encoder"),
    "reconstruct": ("POST", "/reconstruct", {"pixels": PIXELS}, "_encoder"),
    "reconstruct's second half": ("POST", "/reconstruct", {"pixels": PIXELS}, "_decoder"),
    "protocol's decoder": ("POST", DECODER, tensor("z", [1, 2]), "_decoder"),
    "protocol's encoder": ("POST", ENCODER, tensor("x", [1, 28, 28, 1]), "_encoder"),
}


@pytest.fixture(scope="module")
def app(models_dir: pathlib.Path) -> Iterator[Application]:
    with TestClient(create_app(Settings(models_dir=models_dir))) as client:
        yield client.app  # type: ignore[misc]


@pytest.mark.parametrize("kind", ROUTES)
def test_for_a_client_that_goes_the_model_is_not_waited_for(
    app: Application, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    method, target, body, graph = ROUTES[kind]
    begun, ended = asyncio.Event(), asyncio.Event()

    async def wait(*_: Any) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    monkeypatch.setattr(getattr(app.api.state.registry.get(), graph), "submit", wait)
    path, _, query = target.partition("?")
    content = b"" if body is None else json.dumps(body).encode()
    messages = iter([{"type": "http.request", "body": content}])

    async def receive() -> Any:
        if message := next(messages, None):
            return message
        await begun.wait()
        return {"type": "http.disconnect"}

    async def send(_: Any) -> None:
        pass

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(b"content-type", b"application/json")],
    }

    async def scene() -> None:
        await asyncio.wait_for(app(scope, receive, send), 10)
        assert begun.is_set()
        await asyncio.wait_for(ended.wait(), 10)

    asyncio.run(scene())


class Threads:
    """Where something ran: "loop", or "thread" for anywhere else."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def note(self, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
        original = getattr(owner, name)

        def noting(*arguments: Any, **options: Any) -> Any:
            here = threading.current_thread() is threading.main_thread()
            self.seen.add("loop" if here else "thread")
            return original(*arguments, **options)

        monkeypatch.setattr(owner, name, noting)


@pytest.fixture
def threads() -> Threads:
    return Threads()


def post(app: Application, target: str, body: Any) -> None:
    assert asyncio.run(ask(app, "POST", target, json.dumps(body).encode(), JSON)).status == 200


@pytest.mark.parametrize(
    ("query", "n", "where"),
    [
        ("", MOST, "loop"),
        ("", MOST + 1, "thread"),
        ("?scale=4", MOST // 16, "loop"),
        ("?scale=4", MOST // 16 + 1, "thread"),
        ("?format=json", MOST + 1, "thread"),
        ("?format=npy", MOST + 1, "thread"),
        ("?format=zip", MOST + 1, "thread"),
    ],
)
def test_many_pixels_are_drawn_beside_the_loop(
    app: Application, monkeypatch: pytest.MonkeyPatch, threads: Threads, query: str, n: int, where: str
) -> None:
    threads.note(monkeypatch, responses, "write")
    post(app, f"/sample{query}", {"n": n})
    assert threads.seen == {where}


@pytest.mark.parametrize(("kind", "part"), [("ndjson", "to_pixels"), ("zip", "write_png")])
def test_all_parts_of_a_stream_are_drawn_beside_the_loop(
    app: Application, monkeypatch: pytest.MonkeyPatch, threads: Threads, kind: str, part: str
) -> None:
    threads.note(monkeypatch, writers, part)
    post(app, f"/interpolate?format={kind}", {"from": {"digit": 1}, "to": {"digit": 2}, "steps": 200})
    assert threads.seen == {"thread"}


@pytest.mark.parametrize(("n", "where"), [(INLINE_DECODE_ROWS, "loop"), (INLINE_DECODE_ROWS + 1, "thread")])
def test_many_rows_are_decoded_beside_the_loop(
    app: Application, monkeypatch: pytest.MonkeyPatch, threads: Threads, n: int, where: str
) -> None:
    threads.note(monkeypatch, app.api.state.registry.get()._decoder, "run")
    post(app, "/sample", {"n": n})
    assert threads.seen == {where}


def test_a_single_picture_is_encoded_beside_the_loop(
    app: Application, monkeypatch: pytest.MonkeyPatch, threads: Threads
) -> None:
    threads.note(monkeypatch, app.api.state.registry.get()._encoder, "run")
    post(app, "/encode", {"pixels": PIXELS})
    assert threads.seen == {"thread"}


@pytest.mark.parametrize(("files", "where"), [(1, "loop"), (40, "thread")])
def test_a_large_form_is_parsed_beside_the_loop(
    app: Application, monkeypatch: pytest.MonkeyPatch, threads: Threads, files: int, where: str
) -> None:
    threads.note(monkeypatch, uploads, "parse_form")
    form = form_of_parts(files, content=png(28, 28) + bytes(2000))
    assert (len(form) > uploads.INLINE_BYTES) == (where == "thread")
    headers = {"content-type": "multipart/form-data; boundary=b"}
    assert asyncio.run(ask(app, "POST", "/encode", form, headers)).status == 200
    assert threads.seen == {where}


@pytest.mark.parametrize(
    ("files", "side", "more", "where"),
    [
        (1, 28, 0, "loop"),
        (MOST_FILES, 28, 0, "loop"),
        (MOST_FILES + 1, 28, 0, "thread"),
        (1, 28, image_inputs.INLINE_BYTES, "thread"),
        (MOST_FILES, 28, image_inputs.INLINE_BYTES // MOST_FILES, "thread"),
        (1, 29, 0, "thread"),
    ],
)
def test_many_pixels_or_bytes_are_read_beside_the_loop(
    app: Application,
    monkeypatch: pytest.MonkeyPatch,
    threads: Threads,
    files: int,
    side: int,
    more: int,
    where: str,
) -> None:
    threads.note(monkeypatch, image_inputs, "decode")
    form = form_of_parts(files, content=png(side, side) + bytes(more))
    headers = {"content-type": "multipart/form-data; boundary=b"}
    assert asyncio.run(ask(app, "POST", "/encode", form, headers)).status == 200
    assert threads.seen == {where}


@pytest.mark.parametrize(
    ("packed", "seen"),
    [
        (gzip.compress(b'{"z":[0,0]}', mtime=0), {"loop"}),
        # Small, but not what is in it: a thread is tried after all.
        (gzip.compress(b'{"z":[0,0]}'.ljust(reading.INLINE_UNPACKED_BYTES + 1), mtime=0), {"loop", "thread"}),
        (gzip.compress(NOISE, mtime=0), {"thread"}),
    ],
)
def test_a_large_body_is_unpacked_beside_the_loop(
    app: Application, monkeypatch: pytest.MonkeyPatch, threads: Threads, packed: bytes, seen: set[str]
) -> None:
    threads.note(monkeypatch, reading, "decompress")
    asyncio.run(ask(app, "POST", "/decode", packed, {**JSON, "content-encoding": "gzip"}))
    assert threads.seen == seen


@pytest.mark.parametrize(("n", "where"), [(MOST, "loop"), (MOST + 1, "thread")])
def test_many_tensors_are_written_beside_the_loop(
    app: Application, monkeypatch: pytest.MonkeyPatch, threads: Threads, n: int, where: str
) -> None:
    threads.note(monkeypatch, infer, "write_answer")
    post(app, DECODER, tensor("z", [n, 2]))
    assert threads.seen == {where}


def test_what_is_packed_is_packed_beside_the_loop(
    app: Application, monkeypatch: pytest.MonkeyPatch, threads: Threads
) -> None:
    threads.note(monkeypatch, infer, "compress")
    content = json.dumps(tensor("z", [1, 2])).encode()
    answer = asyncio.run(ask(app, "POST", DECODER, content, {"accept-encoding": "gzip"}))
    assert answer.headers["content-encoding"] == "gzip"
    assert threads.seen == {"thread"}
