"""Search a grid of configs: one run for each, resumable, and a table of what came of them."""

from __future__ import annotations

import dataclasses
import itertools
import pathlib
import time
import typing
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from training.config import ConfigError, TrainConfig
from training.data.datasets import Dataset
from training.fit.checkpoints import RunError, best_epoch
from training.fit.loop import train

Grid = Mapping[str, Sequence[Any]]


@dataclasses.dataclass(frozen=True)
class Result:
    """What came of one config.

    Attributes:
        choice: The fields of the grid, as they were chosen.
        figures: Of the best epoch on the validation split, in nats per image; empty if the run failed.
        best_epoch: Counted from 1; 0 if the run failed.
        seconds: It took now; next to nothing if it had been run before.
        failure: Why it failed, or nothing.
        impossible: Whether it failed because no such model can be made.
    """

    choice: Mapping[str, Any]
    figures: Mapping[str, float]
    best_epoch: int
    seconds: float
    failure: str = ""
    impossible: bool = False


def parse_grid(texts: Sequence[str]) -> Grid:
    """Read a grid from the command line.

    Args:
        texts: Such as "learning_rate=1e-3,2e-3"; where a value is several numbers, "decoder_units=64/64,128".

    Returns:
        Field to values, in the order given.

    Raises:
        ConfigError: No field of that name, one named twice, or a value of another type.
    """
    kinds, grid = typing.get_type_hints(TrainConfig), {}
    for text in texts:
        name, _, values = text.partition("=")
        if name not in kinds or name in grid:
            raise ConfigError(f"--grid: expected another field of {', '.join(kinds)}, received {name!r}")
        grid[name] = [_parse(name, value, kinds[name]) for value in values.split(",")]
    return grid


def sweep(
    base: Mapping[str, Any], grid: Grid, dataset: Dataset, output: pathlib.Path, *, verbose: int = 0
) -> list[Result]:
    """Train each config of a grid; what has been trained before is only looked up.

    Args:
        base: Fields of all runs, but for those of the grid; they need not make a config without these.
        grid: Field to values; every combination is a run.
        dataset: Its validation split compares the runs. The test split is not touched.
        output: Folder of the runs, a folder each.
        verbose: As for `train`.

    Returns:
        The results, the lowest validation negative_elbo first, failures last.

    Raises:
        ConfigError: No combination can work.
    """
    choices = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    results = []
    for choice in choices:
        results.append(_run(choice, base, dataset, output / _name(choice), verbose))
        keras.backend.clear_session()  # else each run's graphs stay in memory
    if all(result.impossible for result in results):
        raise ConfigError(f"--grid: expected a combination that can work: {results[0].failure}")
    return sorted(results, key=lambda result: result.figures.get("val_negative_elbo", float("inf")))


def tabulate(results: Sequence[Result]) -> str:
    """Return the results as a Markdown table, in their order."""
    names = list(results[0].choice)
    shown = ("negative_elbo", "reconstruction_loss", "kl_divergence")
    rows = [[*names, *shown, "while training", "best epoch", "seconds"]]
    rows.append(["---"] * len(rows[0]))
    for result in results:
        row = [_show(result.choice[name]) for name in names]
        if result.failure:
            rows.append([*row, f"failed: {result.failure}", *[""] * 5])
            continue
        row += [f"{result.figures[f'val_{name}']:.2f}" for name in shown]
        row.append(f"{result.figures['negative_elbo']:.2f}")
        rows.append([*row, str(result.best_epoch), f"{result.seconds:.0f}"])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _run(
    choice: Mapping[str, Any], base: Mapping[str, Any], dataset: Dataset, folder: pathlib.Path, verbose: int
) -> Result:
    begun = time.monotonic()
    try:
        config = TrainConfig.from_dict({**base, **choice})
        history = train(config, dataset, folder, resume=True, verbose=verbose).history
    except (RunError, ConfigError) as error:
        impossible = isinstance(error, ConfigError)
        return Result(choice, {}, 0, time.monotonic() - begun, str(error), impossible)
    except OSError:  # where the runs go, and so of them all
        raise
    except Exception as error:
        # Whatever TensorFlow raises where a combination takes too much memory, say: the others go on.
        first = (str(error).splitlines() or [""])[0].replace("|", "/")
        return Result(choice, {}, 0, time.monotonic() - begun, f"{type(error).__name__}: {first}")
    best = best_epoch(history)
    return Result(choice, history[best - 1], best, time.monotonic() - begun)


def _name(choice: Mapping[str, Any]) -> str:
    return ",".join(f"{name}={_show(value).replace('/', '-')}" for name, value in choice.items())


def _show(value: Any) -> str:
    return "/".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _parse(name: str, text: str, kind: Any) -> Any:
    try:
        if typing.get_origin(kind) is tuple:
            return tuple(int(part) for part in text.split("/"))
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        return text if typing.get_origin(kind) is typing.Literal else kind(text)
    except (KeyError, ValueError) as error:
        raise ConfigError(f"--grid: {name}: expected a value of its type, received {text!r}") from error
