"""The commands that train: one run, several that differ, or those that a bundle came from."""

from __future__ import annotations

import argparse
import pathlib
import sys
from typing import TYPE_CHECKING, TextIO

from training.cli import terminal
from training.cli.inputs import load
from training.cli.options import make_config, make_fields

if TYPE_CHECKING:
    from training.data.datasets import Dataset
    from training.fit.loop import Run


def train(options: argparse.Namespace, _: TextIO) -> None:
    """Train a model, and tell how good its best epoch is."""
    from training.fit import loop
    from training.fit.pace import Pace
    from training.models import devices

    config, strategy = make_config(options), devices.make_strategy(options.distribute)
    dataset = load(options)
    output = getattr(options, "output", pathlib.Path("runs") / getattr(options, "recipe", "mnist-2d"))
    verbose = 0 if options.quiet else terminal.choose_verbose(getattr(options, "verbose", None))
    loop.fit(
        config,
        dataset,
        output,
        strategy=strategy,
        resume=options.resume,
        tensorboard=options.tensorboard,
        verbose=verbose,
        pace=Pace(terminal.tell_pace) if verbose else None,
    )
    if not devices.is_chief(strategy):
        return
    run = loop.load(output, dataset)
    best = run.history[run.best_epoch - 1]
    sys.stderr.write(f"best epoch {run.best_epoch}: val_negative_elbo {best['val_negative_elbo']:.2f}\n")
    _warn_of_collapse(run, dataset)


def sweep(options: argparse.Namespace, output: TextIO) -> int:
    """Train a model for each combination of options, and write what they came to.

    Returns:
        The exit status: 0, or 2 if none came to anything.
    """
    from training.experiments import sweep

    base, grid = make_fields(options), sweep.parse_grid(options.grid)
    results = sweep.sweep(base, grid, load(options), options.output)
    output.write(sweep.tabulate(results))
    return 2 if all(result.failure for result in results) else 0


def reproduce(options: argparse.Namespace, output: TextIO) -> None:
    """Train the recipes of bundles again, and write how far they are from what is committed."""
    from training.experiments import reproduce

    dataset = load(options)
    for name in options.names:
        figures = reproduce.reproduce(
            name,
            dataset,
            options.models,
            options.output,
            verbose=0 if options.quiet else terminal.choose_verbose(),
        )
        for figure, (committed, found) in figures.items():
            output.write(f"{name}: {figure}: committed {committed:.2f}, found {found:.2f} nats\n")


def _warn_of_collapse(run: Run, dataset: Dataset) -> None:
    from training.evaluation.posteriors import count_active, warn_of_collapse
    from training.models.encoding import encode

    active = count_active(encode(run.encode, dataset.validation))
    if warning := warn_of_collapse(active, run.model.config.latent_dim):
        sys.stderr.write(f"training: {warning}\n")
