from __future__ import annotations

import pathlib

import numpy as np
import pytest

from tests.training import small
from training.cli.main import main
from training.config import ConfigError, TrainConfig
from training.data.datasets import Dataset
from training.experiments import sweep


def test_a_grid_is_read_by_the_types_of_its_fields() -> None:
    texts = [
        "latent_dim=2,3",
        "learning_rate=1e-3",
        "decoder_units=8,16/4",
        "optimizer=muon",
        "conditional=true",
    ]
    assert sweep.parse_grid(texts) == {
        "latent_dim": [2, 3],
        "learning_rate": [0.001],
        "decoder_units": [(8,), (16, 4)],
        "optimizer": ["muon"],
        "conditional": [True],
    }


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["latent=2"], "expected another field of latent_dim, .* received 'latent'"),
        (["latent_dim=2", "latent_dim=3"], "received 'latent_dim'"),
        (["latent_dim"], "latent_dim: expected a value of its type, received ''"),
        (["latent_dim=2,x"], "latent_dim: expected a value of its type, received 'x'"),
        (["conditional=perhaps"], "conditional: expected a value of its type, received 'perhaps'"),
    ],
)
def test_a_grid_that_cannot_be_is_refused(texts: list[str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        sweep.parse_grid(texts)


@pytest.mark.slow
def test_every_combination_is_trained_once_and_the_best_comes_first(
    tiny: TrainConfig, tmp_path: pathlib.Path
) -> None:
    data = small.from_arrays(small.arrays(train=48, test=24))
    grid: sweep.Grid = {"learning_rate": [1e-7, 1e-2], "decoder_units": [(4,), (8, 4)]}
    first = sweep.sweep(tiny.to_dict(), grid, data, tmp_path)
    assert len(list(tmp_path.iterdir())) == len(first) == 4
    found = [result.figures["val_negative_elbo"] for result in first]
    assert found == sorted(found)
    assert [result.choice["learning_rate"] for result in first] == [1e-2, 1e-2, 1e-7, 1e-7]
    again = sweep.sweep(tiny.to_dict(), grid, data, tmp_path)
    assert [result.figures for result in again] == [result.figures for result in first]
    lines = sweep.tabulate(again).splitlines()
    assert lines[0].startswith("| learning_rate | decoder_units | negative_elbo |")
    assert lines[2].startswith("| 0.01 | ")
    assert f"| {found[0]:.2f} |" in lines[2]


@pytest.mark.slow
def test_a_run_that_fails_is_told_and_stops_no_other(
    digits: Dataset, tiny: TrainConfig, tmp_path: pathlib.Path
) -> None:
    results = sweep.sweep(
        tiny.to_dict(), {"learning_rate": [1e20, 1e-3], "schedule": ["constant"]}, digits, tmp_path
    )
    assert [bool(result.failure) for result in results] == [False, True]
    assert "failed: epoch 1: expected finite figures" in sweep.tabulate(results).splitlines()[3]


@pytest.mark.slow
def test_an_impossible_combination_is_marked_and_the_others_are_trained(
    digits: Dataset, tiny: TrainConfig, tmp_path: pathlib.Path
) -> None:
    results = sweep.sweep(tiny.to_dict(), {"decoder_upscale": [0, 2], "epochs": [0, 1]}, digits, tmp_path)
    assert [result.choice for result in results if not result.failure] == [
        {"decoder_upscale": 2, "epochs": 1}
    ]
    table = sweep.tabulate(results)
    assert "failed: decoder_upscale: expected an integer of at least 1" in table
    assert "failed: epochs: expected an integer of at least 1" in table
    assert [path.name for path in tmp_path.iterdir()] == ["decoder_upscale=2,epochs=1"]


@pytest.mark.slow
def test_a_base_that_cannot_work_alone_may_with_the_grid(
    digits: Dataset, tiny: TrainConfig, tmp_path: pathlib.Path
) -> None:
    base = {**tiny.to_dict(), "conditional": True, "epochs": 1}
    found = sweep.sweep(base, {"refine_steps": [2, 0]}, digits, tmp_path)
    assert [result.choice["refine_steps"] for result in found if not result.failure] == [0]


def test_whatever_a_run_fails_with_is_told_and_stops_no_other(
    digits: Dataset, tiny: TrainConfig, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MemoryError("no room\nfor more")

    monkeypatch.setattr(sweep, "train", fail)
    found = sweep.sweep(tiny.to_dict(), {"epochs": [1, 2]}, digits, tmp_path)
    assert [result.failure for result in found] == ["MemoryError: no room"] * 2


def test_where_runs_cannot_go_none_is_tried(
    digits: Dataset, tiny: TrainConfig, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OSError, match="file"):
        sweep.sweep(tiny.to_dict(), {"epochs": [1, 2]}, digits, tmp_path / "file")


def test_a_grid_of_impossible_combinations_is_an_error(
    digits: Dataset, tiny: TrainConfig, tmp_path: pathlib.Path
) -> None:
    with pytest.raises(ConfigError, match="expected a combination that can work: epochs: expected"):
        sweep.sweep(tiny.to_dict(), {"epochs": [0]}, digits, tmp_path)


@pytest.mark.slow
def test_the_test_images_decide_nothing(tiny: TrainConfig, tmp_path: pathlib.Path) -> None:
    arrays = small.arrays(train=48, test=24)
    other = {**arrays, "x_test": np.zeros_like(arrays["x_test"])}
    grid = {"latent_dim": [1, 2]}
    found = [
        [
            result.figures
            for result in sweep.sweep(tiny.to_dict(), grid, small.from_arrays(content), tmp_path / name)
        ]
        for name, content in (("one", arrays), ("other", other))
    ]
    assert found[0] == found[1]


@pytest.mark.slow
def test_the_command_prints_the_table(
    digits_file: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = "--encoder-filters 4 --encoder-units 8 --decoder-units 8 --decoder-filters 4 --decoder-upscale 2"
    options = [*sizes.split(), "--epochs", "1", "--data", str(digits_file), "--output", str(tmp_path)]
    assert main(["sweep", *options, "--grid", "latent_dim=1,3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert {line.split(" | ")[0] for line in lines[2:]} == {"| 1", "| 3"}
