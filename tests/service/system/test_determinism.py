"""Same vector, same bytes: whatever batch it rode in, whichever process answered. ETags rest on it."""

from __future__ import annotations

import concurrent.futures
import pathlib

import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray

from service.bundles.reader import read_bundle
from service.core.settings import Settings
from service.imaging.formats.png import write_png
from service.imaging.pixels import to_bytes
from service.inference.onnx_model import Model
from service.server.app import create_app

ROOT = pathlib.Path(__file__).parents[3]
BUNDLES = sorted(path.parent for path in (ROOT / "models").glob("*/model.json"))


@pytest.fixture(scope="module", params=BUNDLES, ids=lambda path: path.name)
def model(request: pytest.FixtureRequest) -> Model:
    model = Model(read_bundle(request.param), Settings())
    model.start()
    return model


def draw(model: Model, seed: int, rows: int, spread: float) -> NDArray[np.float32]:
    """Rows as the model takes them: z, and beside it each label in turn where it takes one."""
    z = np.random.RandomState(seed).normal(0, spread, (rows, model.manifest.latent_dim))
    width = len(model.manifest.labels)
    one_hot = np.eye(width)[np.arange(rows) % width] if width else np.zeros((rows, 0))
    return np.concatenate([z, one_hot], axis=1).astype(np.float32)


def shapes() -> list[tuple[int, int]]:
    """Where a batch starts and ends: every size up to 70, and some beyond, at changing places."""
    random = np.random.RandomState(0)
    sizes = [*range(1, 71), 96, 127, 128, 129, 200, 256]
    return [(start, start + size) for size in sizes for start in random.randint(0, 257 - size, 3)]


def test_a_row_decodes_to_the_same_bits_in_any_batch(model: Model) -> None:
    z = draw(model, 1, 256, 1.5)
    alone = np.concatenate([model.decode(z[i : i + 1]) for i in range(len(z))])
    for start, end in shapes():
        np.testing.assert_array_equal(model.decode(z[start:end]), alone[start:end], f"rows {start} to {end}")


def test_a_row_becomes_the_same_png_in_any_batch(model: Model) -> None:
    z = draw(model, 2, 64, 1.5)
    alone = [write_png(to_bytes(model.decode(z[i : i + 1]))[0]) for i in range(len(z))]
    together = to_bytes(model.decode(z))
    assert [write_png(image) for image in together] == alone


def test_a_picture_encodes_to_the_same_bits_in_any_batch(model: Model) -> None:
    x = model.decode(draw(model, 3, 256, 1.0))
    alone = np.concatenate([np.concatenate(model.encode(x[i : i + 1]), axis=1) for i in range(len(x))])
    for start, end in shapes():
        found = np.concatenate(model.encode(x[start:end]), axis=1)
        np.testing.assert_array_equal(found, alone[start:end], f"rows {start} to {end}")


def test_a_url_gives_the_same_bytes_alone_and_among_others() -> None:
    urls = [
        url
        for i in range(12)
        for url in (
            f"/decode.png?z={i / 7:.3f},-1.0&scale=2",
            f"/digits/{i % 10}.webp?seed={i}&model=mnist-16d",
            f"/sample.png?n={5 * i + 1}&seed={i}&model=mnist-16d-conditional",
            f"/interpolate.gif?from=digit:{i % 10}&to=0.1,-0.4&steps={i + 2}",
            f"/interpolate.apng?from=0,0&to=digit:{i % 10}&steps={40 * i + 2}",
            f"/decode.json?z={i / 9:.3f},1&dtype=float32",
        )
    ]
    with TestClient(create_app(Settings(models_dir=ROOT / "models"))) as client:
        alone = {url: client.get(url).content for url in urls}
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            for _ in range(2):
                together = dict(zip(urls, pool.map(lambda url: client.get(url).content, urls), strict=True))
                assert together == alone
