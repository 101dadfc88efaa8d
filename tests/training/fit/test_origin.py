from __future__ import annotations

import dataclasses
import json
import pathlib
import subprocess
from typing import Any, NoReturn

import pytest

from tests.training import small
from training.config import TrainConfig
from training.data.datasets import Dataset
from training.fit import loop, origin
from training.fit.checkpoints import RunError


def test_the_commit_is_none_without_git(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", fail)
    assert origin.find_commit() is None


@pytest.mark.slow
def test_a_start_that_fails_leaves_the_folder_to_the_next(
    digits: Dataset, tiny: TrainConfig, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> NoReturn:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(loop, "compile_model", fail)
        with pytest.raises(MemoryError):
            loop.train(tiny, digits, tmp_path / "run", verbose=0)
    assert not (tmp_path / "run").exists()
    with pytest.raises(RunError, match="expected finite figures"):
        loop.train(small.config(learning_rate=1e20, schedule="constant"), digits, tmp_path / "run", verbose=0)
    assert len(loop.train(tiny, digits, tmp_path / "run", verbose=0).history) == 2


@pytest.mark.slow
def test_a_run_goes_on_for_longer_than_it_was_planned_and_never_for_less(
    digits: Dataset, tiny: TrainConfig, tmp_path: pathlib.Path
) -> None:
    first = loop.train(tiny, digits, tmp_path / "run", verbose=0)
    longer = dataclasses.replace(tiny, epochs=4)
    run = loop.train(longer, digits, tmp_path / "run", resume=True, verbose=0)
    assert run.history[:2] == first.history
    assert [row["epoch"] for row in run.history] == [1, 2, 3, 4]
    assert run.model.config == longer
    # The schedule is that of four epochs from here on: the rate has not fallen yet.
    rates = [row["learning_rate"] for row in run.history]
    assert rates[2] > max(rates[1], rates[3])
    with pytest.raises(RunError, match="holds a run with another epochs"):
        loop.train(tiny, digits, tmp_path / "run", resume=True, verbose=0)
    with pytest.raises(RunError, match="holds a run with another beta, epochs"):
        loop.train(
            dataclasses.replace(longer, epochs=9, beta=3), digits, tmp_path / "run", resume=True, verbose=0
        )


def test_a_run_that_goes_on_keeps_the_commit_that_began_it(
    run_folder: pathlib.Path, digits: Dataset, tiny: TrainConfig
) -> None:
    loop.fit(tiny, digits, run_folder, resume=True, verbose=0)
    assert origin.read_origin(run_folder).git_commit == "a" * 40
    assert loop.load(run_folder, digits).git_commit == "a" * 40


def test_a_run_with_other_validation_images_can_be_exported_but_not_gone_on_with(
    run_folder: pathlib.Path, digits: Dataset, tiny: TrainConfig
) -> None:
    path = run_folder / "config.json"
    kept = path.read_text()
    fields = json.loads(kept)
    del fields["held_out"]
    try:
        path.write_text(json.dumps(fields))
        assert loop.load(run_folder, digits).held_out is None
        with pytest.raises(RunError, match="holds a run with another held_out"):
            loop.fit(tiny, digits, run_folder, resume=True, verbose=0)
    finally:
        path.write_text(kept)
