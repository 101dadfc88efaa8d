from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest

from tests.training import small
from training.cli.main import main
from training.data.datasets import Dataset
from training.experiments import reproduce
from training.experiments.recipes import RECIPES
from training.experiments.reproduce import ReproductionError


@pytest.fixture
def models(
    bundle_folder: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> pathlib.Path:
    """A copy of the small bundle's manifest, under the name of a recipe that is its own."""
    monkeypatch.setitem(RECIPES, "mnist-2d", small.config())
    folder = tmp_path / "models" / "mnist-2d"
    folder.mkdir(parents=True)
    (folder / "model.json").write_text((bundle_folder / "model.json").read_text())
    return folder.parent


def change(models: pathlib.Path, **metrics: Any) -> None:
    path = models / "mnist-2d" / "model.json"
    manifest = json.loads(path.read_text())
    manifest["metrics"] |= metrics
    path.write_text(json.dumps(manifest))


@pytest.mark.slow
def test_a_recipe_gives_the_committed_figures_again(
    models: pathlib.Path,
    digits_file: pathlib.Path,
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = ["--data", str(digits_file), "--models", str(models), "--output", str(tmp_path / "again")]
    assert main(["reproduce", "mnist-2d", *options]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("mnist-2d: ")]
    assert [line.split(": ")[1] for line in lines] == list(reproduce.FIGURES)
    for line in lines:
        committed, found = (word for word in line.replace(",", "").split() if word[0].isdigit())
        assert committed == found
    assert (tmp_path / "again" / "mnist-2d" / "bundle" / "mnist-2d" / "decoder.onnx").is_file()


@pytest.mark.slow
def test_another_figure_is_an_error(models: pathlib.Path, digits: Dataset, tmp_path: pathlib.Path) -> None:
    change(models, negative_elbo=12.0)
    with pytest.raises(ReproductionError, match=r"mnist-2d: negative_elbo: expected 12\.00 nats within 0\.5"):
        reproduce.reproduce("mnist-2d", digits, models, tmp_path, verbose=0)


def test_a_model_with_a_mixture_is_compared_under_it() -> None:
    metrics = {"negative_elbo": 95.0, "exact_likelihood": 94.0, "mixture_prior": {"negative_elbo": 89.0}}
    for after, expected in ((0, metrics), (20, metrics["mixture_prior"])):
        manifest = {"training": {"mixture_after": after}, "metrics": metrics}
        assert reproduce.take_own(manifest) == expected


def test_another_data_set_is_refused_before_it_is_trained_on(
    models: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    other = small.from_arrays(small.arrays(train=48, test=24))
    with pytest.raises(ReproductionError, match="expected the data set of the bundle, received digits"):
        reproduce.reproduce("mnist-2d", other, models, tmp_path / "again", verbose=0)
    assert not (tmp_path / "again").exists()
