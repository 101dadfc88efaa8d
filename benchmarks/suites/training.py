"""Measures a step of training against plain `model.fit`: `python -m benchmarks.suites.training`."""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from benchmarks.harness.markdown import describe, tabulate
from training.config import TrainConfig
from training.data import datasets
from training.data.datasets import Dataset
from training.experiments.recipes import RECIPES
from training.fit import batches, loop
from training.models.optimizers import make_optimizer

Way = Callable[[], None]


def make_plain(config: TrainConfig, dataset: Dataset, steps: int) -> Way:
    """Return some steps as a tutorial writes them: `model.fit` over an array, with Keras' own optimizer.

    Args:
        config: Of the run.
        dataset: Its training split is fitted.
        steps: Of one call.

    Returns:
        A function that makes these steps.
    """
    model = _make_model(config, dataset)
    x = dataset.train.x[: steps * config.batch_size] / np.float32(255)
    return lambda: model.fit(x, batch_size=config.batch_size, epochs=1, verbose=0)


def make_ours(config: TrainConfig, dataset: Dataset, steps: int) -> Way:
    """Return as many steps as `training train` makes them.

    Args:
        config: Of the run.
        dataset: Its training split is fitted.
        steps: Of one call.

    Returns:
        A function that makes these steps.
    """
    model = loop.compile_model(config, dataset)
    rows = batches.batches(dataset, config)
    return lambda: model.fit(rows, steps_per_epoch=steps, epochs=1, verbose=0)


def measure(ways: dict[str, Way], rounds: int, steps: int) -> dict[str, tuple[float, float]]:
    """Measure ways to train in turn.

    Args:
        ways: By name.
        rounds: Of all ways, after one that does not count.
        steps: That each makes a call.

    Returns:
        By name, the medians of the time and the processor's time of a step, in milliseconds.
    """
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for i in range(rounds + 1):
        for name, way in ways.items():
            start = time.perf_counter(), time.process_time()
            way()
            if i:
                times[name].append((time.perf_counter() - start[0], time.process_time() - start[1]))
    scale = 1000 / steps
    return {
        name: (
            scale * statistics.median(wall for wall, _ in each),
            scale * statistics.median(cpu for _, cpu in each),
        )
        for name, each in times.items()
    }


def find_curves(config: TrainConfig, dataset: Dataset, epochs: int) -> dict[str, list[float]]:
    """Train both ways from the same weights.

    Args:
        config: Of the run.
        dataset: Its training split is fitted, its validation split measured.
        epochs: Of each.

    Returns:
        By name, the validation negative_elbo after each epoch, in nats per image.
    """
    config = dataclasses.replace(config, epochs=epochs)
    model = _make_model(config, dataset)
    x, validation = (scale(part) for part in (dataset.train, dataset.validation))
    plain = model.fit(
        x, batch_size=config.batch_size, epochs=epochs, validation_data=(validation,), verbose=0
    )
    with tempfile.TemporaryDirectory() as folder:
        ours = loop.train(config, dataset, pathlib.Path(folder), verbose=0).history
    name = "val_negative_elbo"
    return {"plain": plain.history[name], "ours": [row[name] for row in ours]}


def scale(split: datasets.Split) -> Any:
    """Return a split's images as `model.fit` takes them."""
    return datasets.scale(split.x)


def main() -> None:
    """Measure and write Markdown."""
    parser = argparse.ArgumentParser("benchmarks.suites.training")
    parser.add_argument("--data", default="mnist")
    recipes = [name for name, config in RECIPES.items() if not config.conditional]
    parser.add_argument("--recipe", choices=recipes, default="mnist-16d")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--epochs", type=int, default=3)
    options = parser.parse_args()
    dataset = datasets.load(options.data)
    # Both ways know the ELBO under N(0, I), and nothing that comes after it.
    config = dataclasses.replace(RECIPES[options.recipe], exact_epochs=0, mixture_after=0)
    ways = {
        name: make(config, dataset, options.steps)
        for name, make in (("plain", make_plain), ("ours", make_ours))
    }
    times = measure(ways, options.rounds, options.steps)
    curves = find_curves(config, dataset, options.epochs)
    sys.stdout.write(_report(options, times, curves))


def _make_model(config: TrainConfig, dataset: Dataset) -> Any:
    keras.utils.set_random_seed(config.seed)
    model = loop.compile_model(config, dataset)
    steps = config.epochs * batches.steps_per_epoch(dataset.train, config)
    model.compile(make_optimizer(dataclasses.replace(config, muon_precision="float32"), steps))
    return model


def _report(
    options: argparse.Namespace, times: dict[str, tuple[float, float]], curves: dict[str, list[float]]
) -> str:
    text = (
        f"Steps of the recipe {options.recipe}, of {RECIPES[options.recipe].batch_size} images each: "
        f"`model.fit` over an array with Keras' optimizer, and `training train`, in turn; medians of "
        f"{options.rounds} rounds of {options.steps} steps. Below, the validation negative_elbo (nats per "
        f"image) of runs of {options.epochs} epochs from the same weights."
    )
    rows = [
        (
            name,
            f"{wall:.0f}",
            f"{cpu:.0f}",
            f"{times['plain'][0] / wall:.2f}",
            f"{times['plain'][1] / cpu:.2f}",
        )
        for name, (wall, cpu) in times.items()
    ]
    head = ("way", "ms a step", "CPU ms a step", "times as fast", "by CPU time")
    epochs = [f"epoch {i + 1}" for i in range(options.epochs)]
    curve = [(name, *(f"{value:.2f}" for value in values)) for name, values in curves.items()]
    return (
        describe("A step of training", text)
        + "\n"
        + tabulate(head, rows)
        + "\n"
        + tabulate(("way", *epochs), curve)
    )


if __name__ == "__main__":
    main()
