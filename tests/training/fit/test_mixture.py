from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

import numpy as np
import pytest

from tests.training import small
from training.bundles import measure
from training.bundles.prior import read_mixture
from training.bundles.writer import write_bundle
from training.config import TrainConfig
from training.data.datasets import Dataset
from training.fit import loop, mixture
from training.fit.checkpoints import Checkpoint


@pytest.fixture(scope="module")
def mixed() -> TrainConfig:
    return small.config(
        epochs=4,
        mixture_after=2,
        refine_steps=0,
        latent_dim=4,
        kl_warmup_steps=0,
        optimizer="muon",
        weight_decay=0.1,
        learning_rate=5e-3,
    )


@pytest.fixture(scope="module")
def folder(mixed: TrainConfig, digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("runs") / "mixed"
    loop.train(mixed, digits, folder, verbose=0)
    return folder


def train_until(epoch: int, config: TrainConfig, digits: Dataset, output: pathlib.Path) -> None:
    """Train, and be interrupted before an epoch."""
    begin = loop.Reseed.on_epoch_begin

    def stop(callback: loop.Reseed, now: int, logs: Any = None) -> None:
        if now == epoch:
            raise KeyboardInterrupt
        begin(callback, now, logs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop.Reseed, "on_epoch_begin", stop)
        with pytest.raises(KeyboardInterrupt):
            loop.train(config, digits, output, verbose=0)


def test_the_mixture_comes_in_where_asked_and_the_schedule_goes_on(
    mixed: TrainConfig, folder: pathlib.Path, digits: Dataset, tmp_path: pathlib.Path
) -> None:
    alone = loop.train(dataclasses.replace(mixed, mixture_after=0), digits, tmp_path / "run", verbose=0)
    run = loop.load(folder, digits)
    rates, losses = (
        [[row[name] for row in each.history] for each in (run, alone)]
        for name in ("learning_rate", "val_negative_elbo")
    )
    assert rates[0] == rates[1]
    assert losses[0][:2] == losses[1][:2]
    # Where the prior lies where z lies, an image's own z says less.
    assert losses[0][3] < losses[1][3] - 0.1
    assert run.model.is_mixed
    assert alone.model.prior is None


def test_the_mixture_is_trained_from_where_it_was_fitted(
    mixed: TrainConfig, digits: Dataset, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, begun = mixture.begin_mixture, list[Any]()

    def note(model: Any, prior: Any, split: Any) -> None:
        assert not np.any(np.asarray(prior.offset))
        begin(model, prior, split)
        begun.extend(np.asarray(variable) for variable in (model.prior.factor, model.prior.offset))

    monkeypatch.setattr(loop, "begin_mixture", note)
    model = loop.train(
        dataclasses.replace(mixed, conditional=True), digits, tmp_path / "run", verbose=0
    ).model
    assert model.prior is not None
    for before, variable in zip(begun, (model.prior.factor, model.prior.offset), strict=True):
        moved = np.abs(np.asarray(variable) - before)
        assert 1e-3 < moved.max() < 1


def test_a_decoder_that_is_told_the_label_has_one_mixture_for_all(
    mixed: TrainConfig, digits: Dataset
) -> None:
    free, told = (
        loop.compile_model(dataclasses.replace(mixed, conditional=conditional), digits).prior
        for conditional in (False, True)
    )
    assert free is not None
    assert told is not None
    assert sorted(set(free.of_label.tolist())) == list(range(10))
    assert set(told.of_label.tolist()) == {0}


@pytest.mark.slow
def test_the_bundle_of_such_a_decoder_has_a_mixture_of_each_label(
    mixed: TrainConfig, digits: Dataset, tmp_path: pathlib.Path
) -> None:
    run = loop.train(dataclasses.replace(mixed, conditional=True), digits, tmp_path / "run", verbose=0)
    manifest = write_bundle(run, digits, tmp_path / "told")
    held = read_mixture(tmp_path / "told", manifest)
    assert held is not None
    assert held.label is not None
    assert sorted(set(held.label.tolist())) == list(range(10))
    card = " ".join((tmp_path / "told" / "README.md").read_text().split())
    assert "one for each label, fitted to z" in card
    assert "its place, one for all labels," in card


@pytest.mark.parametrize("epoch", [2, 3])
def test_epochs_under_a_mixture_resume_to_the_same_result(
    epoch: int, mixed: TrainConfig, folder: pathlib.Path, digits: Dataset, tmp_path: pathlib.Path
) -> None:
    train_until(epoch, mixed, digits, tmp_path / "run")
    assert max(Checkpoint(tmp_path / "run").epochs()) == epoch
    resumed = loop.train(mixed, digits, tmp_path / "run", resume=True, verbose=0)
    whole = loop.load(folder, digits)
    assert resumed.history == whole.history
    for first, second in zip(resumed.model.weights, whole.model.weights, strict=True):
        np.testing.assert_array_equal(first, second)


def test_a_run_whose_best_epoch_came_before_the_mixture_has_none(
    mixed: TrainConfig, digits: Dataset, tmp_path: pathlib.Path
) -> None:
    train_until(1, mixed, digits, tmp_path / "run")
    run = loop.load(tmp_path / "run", digits)
    assert run.best_epoch == 1
    assert not run.model.is_mixed


@pytest.mark.slow
def test_a_bundle_has_the_mixture_that_was_trained(
    folder: pathlib.Path, digits: Dataset, tmp_path: pathlib.Path
) -> None:
    run = loop.load(folder, digits)
    manifest = write_bundle(run, digits, tmp_path / "mixed")
    assert (manifest["format_version"], manifest["prior"]["distribution"]) == (2, "mixture")
    assert run.model.prior is not None
    held = read_mixture(tmp_path / "mixed", manifest)
    assert held is not None
    assert held.label is not None
    assert held.label.tolist() == list(range(10))
    for name, array in run.model.prior.arrays().items():
        np.testing.assert_allclose(getattr(held, name), array, rtol=1e-6, atol=1e-7)
    figures = measure.measure_run(run, digits, "test", seed=0, samples=0)
    found = manifest["metrics"]["mixture_prior"]["negative_elbo"]
    assert figures["mixture_prior"]["negative_elbo"] == found < manifest["metrics"]["negative_elbo"]
