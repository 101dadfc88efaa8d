from __future__ import annotations

import dataclasses
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.training import small
from training.config import TrainConfig
from training.data.datasets import Dataset, Split, scale
from training.fit import batches, loop
from training.fit.checkpoints import Checkpoint, RunError, best_epoch
from training.fit.loop import Run
from training.fit.origin import check_free
from training.models.grid import negative_log_evidence
from training.models.vae import ConvolutionalVAE

ROOT = pathlib.Path(__file__).parents[3]


def weights(run: Run) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    return [np.asarray(w) for w in run.model.get_weights()]


def same(first: Run, second: Run) -> bool:
    return all((a == b).all() for a, b in zip(weights(first), weights(second), strict=True))


def rows(images: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> list[bytes]:
    return sorted(image.tobytes() for image in images)


def test_eight_images_for_one_step_lower_the_loss(tiny: TrainConfig, tmp_path: pathlib.Path) -> None:
    # Of twelve images, one validates.
    few = small.from_arrays(small.arrays(train=12, test=8))
    config = dataclasses.replace(tiny, epochs=6, batch_size=8)
    run = loop.train(config, few, tmp_path / "run", verbose=0)
    assert [row["epoch"] for row in run.history] == [1, 2, 3, 4, 5, 6]
    assert run.history[-1]["loss"] < run.history[0]["loss"]


def test_learns_on_real_digits(run: Run) -> None:
    first, last = run.history
    assert last["val_negative_elbo"] < first["val_negative_elbo"] < 64 * np.log(2) + 5
    assert set(first) >= {"reconstruction_loss", "kl_divergence", "negative_elbo", "learning_rate"}


def test_every_epoch_sees_each_training_image_once_and_no_other(digits: Dataset, tiny: TrainConfig) -> None:
    dealt = [np.asarray(batch) for batch in batches.batches(digits, tiny)]
    per_epoch = batches.steps_per_epoch(digits.train, tiny)
    assert len(dealt) == tiny.epochs * per_epoch
    orders = []
    for epoch in range(tiny.epochs):
        seen = np.concatenate(dealt[epoch * per_epoch : (epoch + 1) * per_epoch])
        assert rows(np.rint(seen * 255).astype(np.uint8)) == rows(digits.train.x)
        orders.append(seen)
    assert (orders[0] != orders[1]).any()


def test_resumed_batches_are_those_that_were_left(digits: Dataset, tiny: TrainConfig) -> None:
    whole = [np.asarray(batch) for batch in batches.batches(digits, tiny)]
    rest = [np.asarray(batch) for batch in batches.batches(digits, tiny, first_epoch=1)]
    for expected, found in zip(whole[len(whole) // 2 :], rest, strict=True):
        np.testing.assert_array_equal(expected, found)


@pytest.mark.slow
def test_the_test_images_change_no_weight(
    digits: Dataset, tiny: TrainConfig, tmp_path: pathlib.Path, run: Run
) -> None:
    noise = np.random.RandomState(0).randint(0, 256, digits.test.x.shape).astype(np.uint8)
    other = dataclasses.replace(digits, test=Split(noise, digits.test.label[::-1]))
    assert same(loop.train(tiny, other, tmp_path / "other", verbose=0), run)


@pytest.mark.slow
def test_a_seed_decides_the_run(digits: Dataset, tiny: TrainConfig, tmp_path: pathlib.Path, run: Run) -> None:
    other = loop.train(dataclasses.replace(tiny, seed=1), digits, tmp_path / "other", verbose=0)
    assert not same(other, run)


def test_the_best_epoch_is_kept_and_loaded(run_folder: pathlib.Path, digits: Dataset) -> None:
    checkpoint = Checkpoint(run_folder)
    best = best_epoch(checkpoint.history())
    assert checkpoint.epochs() == sorted({best, 2})
    assert loop.load(run_folder, digits).best_epoch == best
    assert best_epoch([{"val_negative_elbo": v} for v in (3.0, 1.0, 2.0)]) == 2


def test_a_finished_run_resumes_to_itself(
    run_folder: pathlib.Path, digits: Dataset, tiny: TrainConfig, run: Run
) -> None:
    again = loop.train(tiny, digits, run_folder, resume=True, verbose=0)
    assert same(again, run)
    assert again.history == run.history


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{"optimizer": "muon"}, {"conditional": True, "refine_steps": 0}])
def test_a_run_that_stopped_between_epochs_ends_as_one_that_did_not(
    changes: dict[str, Any],
    digits: Dataset,
    tiny: TrainConfig,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begin = loop.Reseed.on_epoch_begin

    def stop_at_the_second(callback: loop.Reseed, epoch: int, _: Any) -> None:
        if epoch == 1:
            raise KeyboardInterrupt
        begin(callback, epoch)

    config = dataclasses.replace(tiny, **changes)
    whole = loop.train(config, digits, tmp_path / "whole", verbose=0)
    assert whole.history[1]["loss"] < whole.history[0]["loss"]
    with monkeypatch.context() as patch:
        patch.setattr(loop.Reseed, "on_epoch_begin", stop_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            loop.train(config, digits, tmp_path / "stopped", verbose=0)
    resumed = loop.train(config, digits, tmp_path / "stopped", resume=True, verbose=0)
    assert resumed.history == whole.history
    assert same(resumed, whole)


def test_a_run_from_before_a_field_was_there_is_resumed(
    run_folder: pathlib.Path, digits: Dataset, tiny: TrainConfig, tmp_path: pathlib.Path
) -> None:
    folder = pathlib.Path(shutil.copytree(run_folder, tmp_path / "run"))
    identity = json.loads((folder / "config.json").read_text())
    # The warm-up is on by default, and was not there.
    del identity["decoder_upsampling"], identity["kl_warmup_steps"]
    tiny = dataclasses.replace(tiny, kl_warmup_steps=0)
    (folder / "config.json").write_text(json.dumps(identity))
    again = loop.train(tiny, digits, folder, resume=True, verbose=0)
    assert again.history == loop.load(run_folder, digits).history


def test_another_run_in_the_folder_is_refused(
    run_folder: pathlib.Path, digits: Dataset, tiny: TrainConfig
) -> None:
    with pytest.raises(RunError, match="holds a run already; add --resume"):
        loop.train(tiny, digits, run_folder, verbose=0)
    with pytest.raises(RunError, match="holds a run with another beta, seed"):
        loop.train(dataclasses.replace(tiny, beta=2, seed=5), digits, run_folder, resume=True, verbose=0)
    other = dataclasses.replace(digits, sha256="0" * 64)
    with pytest.raises(RunError, match="holds a run with another dataset_sha256"):
        loop.train(tiny, other, run_folder, resume=True, verbose=0)
    with pytest.raises(RunError, match="expected the data set of this run"):
        loop.load(run_folder, other)


def test_a_conditional_model_is_refused_test_images_of_labels_it_never_saw(tmp_path: pathlib.Path) -> None:
    content = small.arrays()
    content["y_test"][0] = 77
    config = small.config(conditional=True, refine_steps=0)
    with pytest.raises(RunError, match=r"with labels of training images, found some of \[77\] too"):
        loop.train(config, small.from_arrays(content), tmp_path / "run", verbose=0)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("labels", "changes", "message"),
    [
        (
            1,
            {"conditional": True},
            "conditional: expected images of at least two labels, received those of one",
        ),
        (
            16,
            {"mixture_after": 1, "latent_dim": 257},
            "mixture_after: expected a Gaussian of 257 .* 16 labels",
        ),
    ],
)
def test_labels_too_few_or_too_many_are_refused(
    labels: int, changes: dict[str, Any], message: str, tmp_path: pathlib.Path
) -> None:
    content = small.arrays()
    content |= {name: np.arange(len(content[name])) % labels for name in ("y_train", "y_test")}
    config = small.config(refine_steps=0, **changes)
    with pytest.raises(RunError, match=message):
        loop.train(config, small.from_arrays(content), tmp_path / "run", verbose=0)
    assert not (tmp_path / "run").exists()


def test_a_folder_without_a_run_is_refused(digits: Dataset, tmp_path: pathlib.Path) -> None:
    with pytest.raises(RunError, match="expected a run with a checkpoint, found none"):
        loop.load(tmp_path, digits)


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_good_epoch(
    digits: Dataset, tiny: TrainConfig, tmp_path: pathlib.Path
) -> None:
    config = dataclasses.replace(tiny, learning_rate=1e20, schedule="constant")
    with pytest.raises(RunError, match=r"epoch 1: expected finite figures, found .*negative_elbo nan"):
        loop.train(config, digits, tmp_path / "run", verbose=0)
    assert Checkpoint(tmp_path / "run").epochs() == []


@pytest.mark.slow
def test_tensorboard_logs_on_request(digits: Dataset, tiny: TrainConfig, tmp_path: pathlib.Path) -> None:
    config = dataclasses.replace(tiny, epochs=1)
    loop.train(config, digits, tmp_path / "run", tensorboard=True, verbose=0)
    assert list((tmp_path / "run" / "tensorboard").rglob("events.out.tfevents.*"))


def start(digits_file: pathlib.Path, output: pathlib.Path, *more: str) -> subprocess.Popen[bytes]:
    options = ["--data", str(digits_file), "--output", str(output), "--epochs", "12", "--verbose", "0"]
    sizes = ["--encoder-filters", "4", "8", "--encoder-units", "16", "--decoder-units", "8"]
    command = [sys.executable, "-m", "training", "train", *options, *sizes, "--dropout", "0.1", *more]
    return subprocess.Popen(command, cwd=ROOT)


def newest(
    folder: pathlib.Path, run: Run, dataset: Dataset
) -> list[np.ndarray[tuple[int, ...], np.dtype[Any]]]:
    """The last epoch's weights and optimizer state, whichever epoch was the best."""
    model = loop.compile_model(run.model.config, dataset)
    assert Checkpoint(folder).restore(model) == 12
    return [np.asarray(value) for value in (*model.weights, *model.optimizer.variables)]


@pytest.fixture(scope="module")
def exact() -> TrainConfig:
    return small.config(epochs=2, exact_epochs=3, exact_batch_size=64, exact_grid=24, refine_grid=8)


@pytest.fixture(scope="module")
def exact_folder(
    exact: TrainConfig, digits: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("runs") / "exact"
    loop.train(exact, digits, folder, verbose=0)
    return folder


def find_evidence(config: TrainConfig, model: ConvolutionalVAE, x: Any) -> float:
    middle = np.full(2, 0.5, np.float32)
    return float(np.mean(negative_log_evidence(model.decoder, x, config.latent_dim, 100, middle)))


@pytest.mark.slow
def test_exact_epochs_go_on_from_the_best_and_raise_the_likelihood_itself(
    exact: TrainConfig, exact_folder: pathlib.Path, digits: Dataset, tmp_path: pathlib.Path
) -> None:
    before = loop.train(dataclasses.replace(exact, exact_epochs=0), digits, tmp_path / "run", verbose=0)
    after = loop.load(exact_folder, digits)
    assert [row["epoch"] for row in after.history] == [1, 2, 3, 4, 5]
    assert after.history[:2] == before.history
    assert after.best_epoch > 2
    rates = [row["learning_rate"] for row in after.history]
    assert rates[2] > max(rates[1], rates[3]) > rates[4]
    x = scale(digits.validation.x)
    gain = find_evidence(exact, before.model, x) - find_evidence(exact, after.model, x)
    assert gain > 0.5


@pytest.mark.slow
@pytest.mark.parametrize("stopped_at", [2, 3])
def test_exact_epochs_resume_to_the_same_result(
    stopped_at: int,
    exact: TrainConfig,
    exact_folder: pathlib.Path,
    digits: Dataset,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begin = loop.Reseed.on_epoch_begin

    def stop(callback: loop.Reseed, epoch: int, logs: Any = None) -> None:
        if epoch == stopped_at:
            raise KeyboardInterrupt
        begin(callback, epoch, logs)

    with monkeypatch.context() as patch:
        patch.setattr(loop.Reseed, "on_epoch_begin", stop)
        with pytest.raises(KeyboardInterrupt):
            loop.train(exact, digits, tmp_path / "run", verbose=0)
    resumed = loop.train(exact, digits, tmp_path / "run", resume=True, verbose=0)
    whole = loop.load(exact_folder, digits)
    assert resumed.history == whole.history
    assert same(resumed, whole)


@pytest.mark.slow
def test_exact_epochs_that_have_begun_are_the_only_ones_to_become_more(
    exact: TrainConfig, exact_folder: pathlib.Path, digits: Dataset
) -> None:
    more = dataclasses.replace(exact, epochs=3)
    with pytest.raises(RunError, match="holds a run with another epochs"):
        loop.train(more, digits, exact_folder, resume=True, verbose=0)
    check_free(exact_folder, dataclasses.replace(exact, exact_epochs=4), digits, resume=True)


@pytest.mark.parametrize(
    ("name", "options"),
    [("exact_epochs", {"exact_epochs": 3}), ("mixture_after", {"mixture_after": 1, "refine_steps": 0})],
)
def test_what_several_machines_cannot_do_is_refused(
    name: str,
    options: dict[str, int],
    digits: Dataset,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = small.config(epochs=2, **options)

    class Several:
        cluster_resolver = None

    monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", Several)
    with pytest.raises(RunError, match=f"{name}: expected one machine"):
        loop.fit(config, digits, tmp_path / "run", strategy=Several(), verbose=0)


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_result(
    digits_file: pathlib.Path, digits: Dataset, tmp_path: pathlib.Path
) -> None:
    assert start(digits_file, tmp_path / "whole").wait(300) == 0
    killed = tmp_path / "killed"
    process = start(digits_file, killed)
    end = time.monotonic() + 300
    while len(Checkpoint(killed).history()) < 3:
        assert process.poll() is None
        assert time.monotonic() < end
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert len(Checkpoint(killed).history()) < 12
    assert start(digits_file, killed, "--resume").wait(300) == 0
    first, second = (loop.load(folder, digits) for folder in (tmp_path / "whole", killed))
    assert first.history == second.history
    assert same(first, second)
    for a, b in zip(newest(tmp_path / "whole", first, digits), newest(killed, first, digits), strict=True):
        np.testing.assert_array_equal(a, b)
