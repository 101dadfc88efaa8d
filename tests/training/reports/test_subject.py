from __future__ import annotations

import json
import pathlib

import numpy as np
import pytest

from training.bundles.manifest import read_manifest
from training.data.datasets import Dataset, scale
from training.evaluation.likelihood import SMALLEST
from training.fit.loop import Run
from training.reports.subject import look_at, read_history


def test_losses_and_divergences_add_up_to_the_manifest_s(
    bundle_folder: pathlib.Path, digits: Dataset, run: Run
) -> None:
    subject = look_at(bundle_folder, digits)
    metrics = read_manifest(bundle_folder)["metrics"]
    assert subject.kl_divergence.sum(axis=1).mean() == pytest.approx(metrics["kl_divergence"], abs=1e-3)
    x, p = scale(digits.test.x[:1]).astype(np.float64), np.clip(subject.image[:1], SMALLEST, 1 - SMALLEST)
    assert subject.reconstruction_loss[0] == pytest.approx(
        -(x * np.log(p) + (1 - x) * np.log1p(-p)).sum(), 1e-5
    )
    assert [row["epoch"] for row in subject.history] == [1, 2]
    assert subject.history == [{k: float(v) for k, v in row.items()} for row in run.history]


def test_every_shipped_bundle_tells_how_its_training_went() -> None:
    for folder in (pathlib.Path(__file__).parents[3] / "models").iterdir():
        training, history = (
            json.loads((folder / "model.json").read_text())["training"],
            read_history(folder),
        )
        assert len(history) == training["epochs"] + training.get("exact_epochs", 0)
        best = min(history, key=lambda row: row["val_negative_elbo"])
        assert best["epoch"] == training["best_epoch"]
