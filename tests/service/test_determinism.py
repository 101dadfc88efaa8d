"""Same vector, same bytes: whatever batch it rode in, whichever process answered. ETags rest on it."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

from service.bundle import read_bundle
from service.images import to_bytes
from service.model import Model
from service.png import write_png
from service.settings import Settings

ROOT = pathlib.Path(__file__).parents[2]
BUNDLES = sorted(path.parent for path in (ROOT / "models").glob("*/model.json"))


@pytest.fixture(scope="module", params=BUNDLES, ids=lambda path: path.name)
def model(request: pytest.FixtureRequest) -> Model:
    model = Model(read_bundle(request.param), Settings())
    model.start()
    return model


def shapes() -> list[tuple[int, int]]:
    """Where a batch starts and ends: every size up to 70, and some beyond, at changing places."""
    random = np.random.RandomState(0)
    sizes = [*range(1, 71), 96, 127, 128, 129, 200, 256]
    return [(start, start + size) for size in sizes for start in random.randint(0, 257 - size, 3)]


def test_a_row_decodes_to_the_same_bits_in_any_batch(model: Model) -> None:
    z = np.random.RandomState(1).normal(0, 1.5, (256, model.manifest.latent_dim)).astype(np.float32)
    alone = np.concatenate([model.decode(z[i : i + 1]) for i in range(len(z))])
    for start, end in shapes():
        np.testing.assert_array_equal(model.decode(z[start:end]), alone[start:end], f"rows {start} to {end}")


def test_a_row_becomes_the_same_png_in_any_batch(model: Model) -> None:
    z = np.random.RandomState(2).normal(0, 1.5, (64, model.manifest.latent_dim)).astype(np.float32)
    alone = [write_png(to_bytes(model.decode(z[i : i + 1]))[0]) for i in range(len(z))]
    together = to_bytes(model.decode(z))
    assert [write_png(image) for image in together] == alone


def test_a_picture_encodes_to_the_same_bits_in_any_batch(model: Model) -> None:
    random = np.random.RandomState(3)
    x = model.decode(random.normal(0, 1, (256, model.manifest.latent_dim)).astype(np.float32))
    alone = np.concatenate([np.concatenate(model.encode(x[i : i + 1]), axis=1) for i in range(len(x))])
    for start, end in shapes():
        found = np.concatenate(model.encode(x[start:end]), axis=1)
        np.testing.assert_array_equal(found, alone[start:end], f"rows {start} to {end}")
