from __future__ import annotations

import dataclasses
import pathlib
from typing import Any, get_args

import pytest
import tensorflow as tf

from training.cli.main import main
from training.config import Optimizer, Precision, Schedule, TrainConfig, Upsampling
from training.experiments.recipes import RECIPES
from training.fit import loop
from training.fit.pace import Pace


def other(default: Any) -> Any:
    """A value that an option may have, but not its default."""
    if isinstance(default, tuple):
        return (*default, 5)
    if isinstance(default, str):
        choices = next(
            get_args(kind)
            for kind in (Schedule, Optimizer, Precision, Upsampling)
            if default in get_args(kind)
        )
        return next(choice for choice in choices if choice != default)
    return default + 1 if isinstance(default, int) else default / 2 + 0.01


def load_nothing(*_: Any) -> loop.Run:
    return loop.Run(None, 1, [{"val_negative_elbo": 1.0}])  # type: ignore[arg-type]


# Options that do not go with one another are given in turns.
CONDITIONAL = {"conditional": True, "refine_steps": 0, "refine_grid": 0, "exact_epochs": 0, "free_bits": 0.0}
REFINED = {"conditional": False, "latent_dim": 1, "refine_grid": 5, "exact_epochs": 2, "mixture_after": 0}


@pytest.mark.parametrize("some", [CONDITIONAL, REFINED])
def test_every_option_reaches_the_config(
    digits_file: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, some: dict[str, Any]
) -> None:
    fields = {field.name: other(field.default) for field in dataclasses.fields(TrainConfig)}
    fits = {"decoder_filters": (8, 9, 5), "decoder_upscale": 8, **some}
    config = TrainConfig(**{**fields, **fits})
    received: dict[str, Any] = {}

    def record(config: TrainConfig, _: Any, output: pathlib.Path, **options: Any) -> None:
        received.update(config=config, output=output, **options)

    monkeypatch.setattr(loop, "fit", record)
    monkeypatch.setattr(loop, "load", load_nothing)
    monkeypatch.setattr("training.cli.runs._warn_of_collapse", lambda *_: None)
    options = [f"--data={digits_file}", f"--output={tmp_path}", "--resume", "--tensorboard", "--verbose=2"]
    for name, value in config.to_dict().items():
        if isinstance(value, bool):
            options += [f"--{name}"] * value
            continue
        options += ["--" + name.replace("_", "-"), *map(str, value if isinstance(value, list) else [value])]
    assert main(["train", *options]) == 0
    assert isinstance(received.pop("pace"), Pace)
    assert received == {
        "config": config,
        "output": tmp_path,
        "resume": True,
        "strategy": tf.distribute.get_strategy(),
        "tensorboard": True,
        "verbose": 2,
    }


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_where_options_start_from(
    name: str, digits_file: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    received: list[Any] = []

    def record(*arguments: Any, **_: Any) -> None:
        received.extend(arguments)

    monkeypatch.setattr(loop, "fit", record)
    monkeypatch.setattr(loop, "load", load_nothing)
    monkeypatch.setattr("training.cli.runs._warn_of_collapse", lambda *_: None)
    assert main(["train", f"--data={digits_file}", "--recipe", name, "--epochs", "30"]) == 0
    assert received[0] == dataclasses.replace(RECIPES[name], epochs=30)
    assert received[2] == pathlib.Path("runs") / name
