from __future__ import annotations

import pathlib
import shutil

import numpy as np
import pytest

from training.config import TrainConfig
from training.data.datasets import Dataset
from training.fit.checkpoints import Checkpoint, best_epoch
from training.fit.loop import compile_model, load


@pytest.fixture
def folder(run_folder: pathlib.Path, tmp_path: pathlib.Path) -> pathlib.Path:
    return pathlib.Path(shutil.copytree(run_folder, tmp_path / "run"))


def test_the_best_epoch_has_the_lowest_validation_loss() -> None:
    assert best_epoch([{"val_negative_elbo": value} for value in (3.0, 1.0, 2.0)]) == 2
    assert best_epoch([{"val_negative_elbo": value} for value in (1.0, 1.0)]) == 1


def test_the_newest_and_the_best_checkpoint_are_kept(folder: pathlib.Path) -> None:
    checkpoint = Checkpoint(folder)
    assert checkpoint.epochs() == sorted({best_epoch(checkpoint.history()), 2})
    assert {path.name for path in folder.iterdir()} == {"checkpoints", "config.json", "log.csv"}


def test_epochs_of_five_digits_are_read(tmp_path: pathlib.Path) -> None:
    checkpoint = Checkpoint(tmp_path)
    checkpoint.folder.mkdir()
    for epoch in (9_999, 10_000, 12_345):
        checkpoint.path(epoch).write_bytes(b"")
    assert checkpoint.epochs() == [9_999, 10_000, 12_345]


def test_restoring_gives_weights_and_optimizer_state(
    folder: pathlib.Path, digits: Dataset, tiny: TrainConfig
) -> None:
    model = compile_model(tiny, digits)
    fresh = [np.asarray(value) for value in model.optimizer.variables]
    assert Checkpoint(folder).restore(model) == 2
    restored = [np.asarray(value) for value in model.optimizer.variables]
    assert int(model.optimizer.iterations) == 2 * -(-len(digits.train) // tiny.batch_size)
    # Iterations, then the two moments of each weight: a trained run has moved every one of them.
    assert sum(not np.array_equal(a, b) for a, b in zip(fresh, restored, strict=True)) > 2 * len(
        model.trainable_variables
    )


def test_a_log_ahead_of_the_checkpoints_is_cut_to_them(folder: pathlib.Path, digits: Dataset) -> None:
    log = folder / "log.csv"
    header, *rows = log.read_text().splitlines()
    names = header.split(",")
    ahead = rows[-1].split(",")
    ahead[names.index("epoch")], ahead[names.index("val_negative_elbo")] = "3", "0.0"
    log.write_text("\n".join([header, *rows, ",".join(ahead)]) + "\n")
    # As after a kill between the log and the checkpoint of epoch 3, which would be the best.
    assert [row["epoch"] for row in Checkpoint(folder).history()] == [1, 2]
    assert load(folder, digits).best_epoch in (1, 2)


def test_what_a_kill_left_half_written_is_not_taken_for_a_checkpoint(
    folder: pathlib.Path, digits: Dataset, tiny: TrainConfig
) -> None:
    (folder / "checkpoints" / "partial.weights.h5").write_bytes(b"half")
    (folder / "log.partial").write_text("half")
    assert Checkpoint(folder).restore(compile_model(tiny, digits)) == 2


def test_the_log_counts_epochs_in_whole_numbers(folder: pathlib.Path) -> None:
    header, *rows = (folder / "log.csv").read_text().splitlines()
    column = header.split(",").index("epoch")
    assert [row.split(",")[column] for row in rows] == ["1", "2"]
