"""The bundles under test: each one in models/, and those that this code writes now."""

from __future__ import annotations

import pathlib

import pytest

from tests.training import small

MODELS = pathlib.Path(__file__).parents[2] / "models"
COMMITTED = sorted(path.parent for path in MODELS.glob("*/model.json"))
FRESH = {"fresh": {}, "conditional": {"conditional": True, "refine_steps": 0}}


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A folder of the bundles that this code writes now."""
    from training.bundles.writer import write_bundle
    from training.fit.loop import train

    digits, models = small.from_arrays(small.arrays()), tmp_path_factory.mktemp("models")
    for name, changes in FRESH.items():
        run = train(small.config(epochs=1, **changes), digits, tmp_path_factory.mktemp("run"), verbose=0)
        write_bundle(run, digits, models / name)
    return models


@pytest.fixture(params=[*FRESH, *(folder.name for folder in COMMITTED)])
def bundle(request: pytest.FixtureRequest, fresh: pathlib.Path) -> pathlib.Path:
    return (fresh if request.param in FRESH else MODELS) / str(request.param)
