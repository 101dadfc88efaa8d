"""One small trained run and its bundle, shared by all tests that only read them."""

from __future__ import annotations

import pathlib

import pytest

from tests.training import small
from training.bundles.writer import write_bundle
from training.config import TrainConfig
from training.data.datasets import Dataset, load
from training.fit import origin
from training.fit.loop import Run, train


@pytest.fixture(scope="session")
def tiny() -> TrainConfig:
    return small.config()


@pytest.fixture(scope="session")
def digits_file(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return small.write_npz(tmp_path_factory.mktemp("data") / "digits.npz", small.arrays(600, 200))


@pytest.fixture(scope="session")
def digits(digits_file: pathlib.Path) -> Dataset:
    return load(str(digits_file))


@pytest.fixture(scope="session")
def run_folder(digits: Dataset, tiny: TrainConfig, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("runs") / "digits"
    with pytest.MonkeyPatch.context() as patch:
        # As though the run had been begun by other code than that which exports it.
        patch.setattr(origin, "find_commit", lambda: "a" * 40)
        train(tiny, digits, folder, verbose=0)
    return folder


@pytest.fixture(scope="session")
def run(run_folder: pathlib.Path, digits: Dataset) -> Run:
    from training.fit.loop import load

    return load(run_folder, digits)


@pytest.fixture(scope="session")
def bundle_folder(run: Run, digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("models") / "digits"
    write_bundle(run, digits, folder)
    return folder
