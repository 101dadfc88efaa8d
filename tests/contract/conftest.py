"""The bundles under test: each one in models/, and one that this code writes now."""

from __future__ import annotations

import pathlib

import pytest

from tests.training import small

MODELS = pathlib.Path(__file__).parents[2] / "models"
COMMITTED = sorted(path.parent for path in MODELS.glob("*/model.json"))
FRESH = "fresh"


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    from training.bundle import write_bundle
    from training.train import train

    digits = small.from_arrays(small.arrays())
    run = train(small.config(epochs=1), digits, tmp_path_factory.mktemp("runs") / FRESH, verbose=0)
    folder = tmp_path_factory.mktemp("models") / FRESH
    write_bundle(run, digits, folder)
    return folder


@pytest.fixture(params=[FRESH, *(folder.name for folder in COMMITTED)])
def bundle(request: pytest.FixtureRequest) -> pathlib.Path:
    if request.param == FRESH:
        folder: pathlib.Path = request.getfixturevalue("fresh")
        return folder
    return MODELS / str(request.param)
