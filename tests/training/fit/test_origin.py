from __future__ import annotations

import json
import pathlib
import subprocess
from typing import Any

import pytest

from tests.training import small
from training.config import ConfigError, TrainConfig
from training.data.datasets import Dataset
from training.fit import loop, origin
from training.fit.checkpoints import RunError


def test_the_commit_is_none_without_git(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", fail)
    assert origin.find_commit() is None


def test_a_start_that_fails_leaves_the_folder_to_the_next(
    digits: Dataset, tiny: TrainConfig, tmp_path: pathlib.Path
) -> None:
    with pytest.raises(ConfigError, match="decoder_upscale"):
        loop.train(small.config(decoder_upscale=3), digits, tmp_path / "run", verbose=0)
    assert not (tmp_path / "run").exists()
    with pytest.raises(RunError, match="expected finite figures"):
        loop.train(small.config(learning_rate=1e20, schedule="constant"), digits, tmp_path / "run", verbose=0)
    assert len(loop.train(tiny, digits, tmp_path / "run", verbose=0).history) == 2


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
