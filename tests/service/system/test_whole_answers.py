"""Every route and format answers with all the rows that were asked for, whatever runs beside it.

What is expected is made without a batcher: the model is run on a few rows at a time, and written.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import pathlib
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from service.core.arrays import Floats
from service.core.media_types import FORMATS
from service.core.settings import Settings
from service.imaging.pictures import Pictures
from service.imaging.rendering import Look
from service.imaging.representation import Representation
from service.imaging.writers import write
from service.inference.engine import Engine
from service.inference.registry import Registry
from service.latent.point import Point
from service.server.app import create_app
from tests.service import fake

# Batches of so many run in the thread, and a request of several of them left it short once.
BATCH = 128
COUNTS = (1, 2, 64, 65, BATCH, BATCH + 1, 2 * BATCH, 3 * BATCH, 300)
SIDES = (1, 8, 11, 16)
STILL = ("png", "webp", "json", "npy", "zip")
MOVING = (*STILL, "gif", "apng", "ndjson")
AT_ONCE = 6


@dataclasses.dataclass
class Case:
    """A request, and what its answer must be."""

    request: dict[str, Any]
    rows: Floats
    wanted: Representation
    facts: dict[str, Any] = dataclasses.field(default_factory=dict)

    def expected(self, engine: Engine) -> bytes:
        return write(self.wanted, engine.manifest, decode(engine, self.rows), self.facts)


def decode(engine: Engine, rows: Floats) -> Pictures:
    parts = [engine.model.decode(rows[i : i + 16]) for i in range(0, len(rows), 16)]
    return Pictures(rows[:, : engine.space.dim], np.concatenate(parts))


def vectors(n: int) -> NDArray[np.float64]:
    return np.random.RandomState(n).normal(0, 1.5, (n, 2)).round(3)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    folder: pathlib.Path = tmp_path_factory.mktemp("models")
    fake.write_bundle(folder / "fake")
    settings = Settings(models_dir=folder, max_batch_rows=BATCH, max_output_pixels=64_000_000)
    registry = Registry(settings)
    registry.start()
    yield registry
    registry.close()


def ask(registry: Registry, requests: list[dict[str, Any]]) -> list[httpx.Response]:
    """Send requests, some at once, and return their answers in order."""

    async def run() -> list[httpx.Response]:
        app = create_app(registry.settings, registry)
        app.api.state.registry = registry
        places = asyncio.Semaphore(AT_ONCE)
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:

            async def send(request: dict[str, Any]) -> httpx.Response:
                async with places:
                    return await client.request(**request)

            return await asyncio.gather(*map(send, requests))

    return asyncio.run(run())


def make_decode(engine: Engine, form: str, n: int) -> Iterator[Case]:
    z, wanted = vectors(n), Representation(FORMATS[form])
    rows = engine.space.place(z)
    yield Case({"method": "POST", "url": f"/decode?format={form}", "json": {"z": z.tolist()}}, rows, wanted)
    query = "&".join(f"z={a},{b}" for a, b in z.tolist())
    yield Case({"method": "GET", "url": f"/decode.{form}?{query}"}, rows, wanted)


def make_sample(engine: Engine, form: str, n: int) -> Iterator[Case]:
    facts = {"seed": 1, "temperature": 1.0, "digit": None, "prior": "normal"}
    rows, wanted = engine.space.sample(1, 1.0, n), Representation(FORMATS[form])
    body = {"n": n, "seed": 1}
    yield Case({"method": "POST", "url": f"/sample?format={form}", "json": body}, rows, wanted, facts)
    yield Case({"method": "GET", "url": f"/sample.{form}?n={n}&seed=1"}, rows, wanted, facts)


def make_interpolate(engine: Engine, form: str, n: int) -> Iterator[Case]:
    steps = max(n, 2)
    rows = engine.space.connect([Point("from", digit=3), Point("to", digit=5)], steps, None)
    wanted = Representation(FORMATS[form], Look(columns=steps), sequence=True)
    body = {"from": {"digit": 3}, "to": {"digit": 5}, "steps": steps}
    yield Case({"method": "POST", "url": f"/interpolate?format={form}", "json": body}, rows, wanted)
    url = f"/interpolate.{form}?from=digit:3&to=digit:5&steps={steps}"
    yield Case({"method": "GET", "url": url}, rows, wanted)


def make_manifold(engine: Engine, form: str, side: int) -> Iterator[Case]:
    rows = engine.space.spread(side, 3.0, (0, 1), None)
    wanted = Representation(FORMATS[form], Look(columns=side))
    yield Case({"method": "GET", "url": f"/manifold.{form}?n={side}"}, rows, wanted)


@pytest.mark.parametrize(
    ("make", "formats", "counts"),
    [
        (make_decode, STILL, COUNTS),
        (make_sample, STILL, COUNTS),
        (make_interpolate, MOVING, COUNTS),
        (make_manifold, STILL, SIDES),
    ],
)
def test_pictures_have_the_bytes_of_all_their_rows(
    registry: Registry, make: Any, formats: tuple[str, ...], counts: tuple[int, ...]
) -> None:
    engine = registry.get()
    cases = [case for form in formats for n in counts for case in make(engine, form, n)]
    answers = ask(registry, [case.request for case in cases])
    for case, answer in zip(cases, answers, strict=True):
        where = case.request["url"][:80], len(case.rows)
        assert answer.status_code == 200, (where, answer.text[:200])
        assert answer.content == case.expected(engine), where


@pytest.mark.parametrize("path", ["/encode", "/reconstruct?format=json"])
def test_encoded_pictures_have_the_numbers_of_all_their_rows(registry: Registry, path: str) -> None:
    x = np.random.RandomState(0).randint(0, 2, (2 * BATCH, 28, 28, 1))
    counts = (1, 7, BATCH, 2 * BATCH)
    bodies = [{"pixels": x[:n, :, :, 0].tolist()} for n in counts]
    answers = ask(registry, [{"method": "POST", "url": path, "json": body} for body in bodies])
    for n, answer in zip(counts, answers, strict=True):
        assert answer.status_code == 200, answer.text[:200]
        found = answer.json()
        z_mean = fake.encode(x[:n])
        np.testing.assert_allclose(found["z_mean"], z_mean, atol=1e-6)
        np.testing.assert_allclose(found["z_log_var"], -z_mean, atol=1e-6)
        if "images" in found:
            np.testing.assert_allclose(found["images"], fake.decode(z_mean)[..., 0], atol=1e-6)


@pytest.mark.parametrize("binary", [False, True])
def test_tensors_have_the_numbers_of_all_their_rows(registry: Registry, binary: bool) -> None:
    def body(n: int) -> dict[str, Any]:
        tensor = {"name": "z", "shape": [n, 2], "datatype": "FP32", "data": vectors(n).ravel().tolist()}
        return {"inputs": [tensor], "parameters": {"binary_data_output": binary}}

    path = "/v2/models/fake.decoder/infer"
    answers = ask(registry, [{"method": "POST", "url": path, "json": body(n)} for n in COUNTS])
    for n, answer in zip(COUNTS, answers, strict=True):
        assert answer.status_code == 200, answer.text[:200]
        size = int(answer.headers.get("inference-header-content-length", len(answer.content)))
        (output,) = json.loads(answer.content[:size])["outputs"]
        data = np.frombuffer(answer.content[size:], "<f4") if binary else output["data"]
        assert output["shape"] == [n, 28, 28, 1]
        expected = fake.decode(vectors(n).astype(np.float32))
        np.testing.assert_allclose(np.reshape(data, output["shape"]), expected, atol=1e-6)
