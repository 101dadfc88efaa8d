"""Parse the command line and run the command that it names: `python -m training --help`."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pathlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TextIO

from training.cli import progress, terminal
from training.cli.options import make_config, make_parser
from training.config import TrainingError

if TYPE_CHECKING:
    from training.data.datasets import Dataset
    from training.fit.loop import Run

FAILED = 2
COLLAPSED = 3
INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Of the command line; unset: the process's own.

    Returns:
        The exit status: 0, 2 for a request that cannot be met, 3 if what was measured hardly uses its latent
        space, 130 after an interrupt.
    """
    options, output = make_parser().parse_args(arguments), sys.stdout
    try:
        with _silence():
            import tensorflow  # noqa: F401
        # What a command finds goes to standard output, which it is handed; how far Keras is, does not.
        with contextlib.redirect_stdout(sys.stderr):
            return COMMANDS[options.command](options, output) or 0
    except ModuleNotFoundError as error:
        sys.stderr.write(f"training: {error.name} is not installed: pip install 'cvae-service[train]'\n")
        return FAILED
    except (TrainingError, OSError) as error:
        sys.stderr.write(f"training: {error}\n")
        return FAILED
    except KeyboardInterrupt:
        sys.stderr.write(f"\ntraining: interrupted{terminal.suggest(options.command, arguments)}\n")
        return INTERRUPTED


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Discard what TensorFlow's libraries write while they load, before they read any setting."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    kept = os.dup(2)
    try:
        with pathlib.Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _train(options: argparse.Namespace, _: TextIO) -> None:
    from training.fit import loop
    from training.fit.pace import Pace
    from training.models import devices

    config, strategy = make_config(options), devices.make_strategy(options.distribute)
    dataset = _load(options)
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


def _sweep(options: argparse.Namespace, output: TextIO) -> None:
    from training.experiments import sweep

    base, grid = make_config(options), sweep.parse_grid(options.grid)
    results = sweep.sweep(base, grid, _load(options), options.output)
    output.write(sweep.tabulate(results))


def _evaluate(options: argparse.Namespace, output: TextIO) -> int:
    from training.bundles import measure
    from training.bundles.manifest import read_manifest_for
    from training.bundles.open_decoder import is_conditional
    from training.evaluation.posteriors import warn_of_collapse
    from training.fit import loop

    _require_folder(options.folder)
    is_bundle = (options.folder / "model.json").is_file()
    if options.update and not (is_bundle and options.split == "test"):
        found = "a run" if not is_bundle else f"the {options.split} split"
        raise TrainingError(f"--update: expected a bundle and the test split, received {found}")
    dataset = _load(options)
    how = options.split, options.seed, options.importance_samples
    if is_bundle:
        manifest = read_manifest_for(options.folder, dataset)
        latent_dim, conditional = manifest["latent_dim"], is_conditional(manifest)
        with progress.watching("evaluate", dataset, options.split, how[2], conditional) as watch:
            metrics = measure.measure_bundle(options.folder, dataset, *how, watch)
        if options.update:
            measure.update_metrics(options.folder, metrics, dataset)
    else:
        run = loop.load(options.folder, dataset)
        latent_dim = run.model.config.latent_dim
        with progress.watching(
            "evaluate", dataset, options.split, how[2], run.model.config.conditional
        ) as watch:
            metrics = measure.measure_run(run, dataset, *how, watch)
    output.write(json.dumps(metrics, indent=1) + "\n")
    if warning := warn_of_collapse(metrics["active_dimensions"], latent_dim):
        sys.stderr.write(f"training: {warning}\n")
        return COLLAPSED
    return 0


def _warn_of_collapse(run: Run, dataset: Dataset) -> None:
    from training.evaluation.posteriors import count_active, warn_of_collapse
    from training.models.encoding import encode

    active = count_active(encode(run.encode, dataset.validation))
    if warning := warn_of_collapse(active, run.model.config.latent_dim):
        sys.stderr.write(f"training: {warning}\n")


def _export(options: argparse.Namespace, output: TextIO) -> None:
    from training.bundles import writer
    from training.evaluation.likelihood import IMPORTANCE_SAMPLES
    from training.fit import loop

    _require_folder(options.folder)
    dataset = _load(options)
    run = loop.load(options.folder, dataset)
    folder = options.models / (options.name or options.folder.resolve().name)
    with progress.watching(
        "export", dataset, "test", IMPORTANCE_SAMPLES, run.model.config.conditional
    ) as watch:
        how = {"force": options.force, "components": options.components}
        manifest = writer.write_bundle(run, dataset, folder, watch=watch, **how)
    output.write(json.dumps(manifest["metrics"], indent=1) + "\n")


def _prior(options: argparse.Namespace, output: TextIO) -> None:
    from training.bundles import prior
    from training.bundles.manifest import read_manifest_for
    from training.bundles.open_decoder import is_conditional

    _require_folder(options.folder)
    dataset, samples = _load(options), options.importance_samples
    conditional = is_conditional(read_manifest_for(options.folder, dataset))
    with progress.watching("prior", dataset, "test", samples, conditional) as watch:
        given = options.folder, dataset, options.components, options.seed, samples
        figures = prior.add_prior(*given, watch)
    output.write(json.dumps(figures, indent=1) + "\n")


def _reproduce(options: argparse.Namespace, output: TextIO) -> None:
    from training.experiments import reproduce

    dataset = _load(options)
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


def _judge(options: argparse.Namespace, output: TextIO) -> None:
    from training.evaluation import classifier
    from training.reports import generation_quality

    for folder in options.folders:
        _require_folder(folder)
    dataset = _load(options)
    trained = classifier.train_classifier(
        dataset, options.classifier, verbose=0 if options.quiet else terminal.choose_verbose()
    )
    judgements = {}
    for folder in options.folders:
        judgements[str(folder)] = judgement = generation_quality.judge_bundle(folder, dataset, trained)
        if options.update:
            generation_quality.write_judgement(folder, judgement, dataset)
    output.write(json.dumps(judgements, indent=1) + "\n")


def _report(options: argparse.Namespace, _: TextIO) -> None:
    from training.reports import report

    for folder in filter(None, (options.folder, options.against)):
        _require_folder(folder)
    report.write_report(options.folder, _load(options), options.output, options.against)


def _compare(options: argparse.Namespace, output: TextIO) -> None:
    from training.reports import compare

    found = compare.compare_bundles(options.folders)
    output.write(compare.to_json(found) if options.format == "json" else compare.tabulate(found))


def _project(options: argparse.Namespace, _: TextIO) -> None:
    from training.bundles.open_encoder import open_encoder
    from training.models.encoding import encode
    from training.reports import projector

    _require_folder(options.folder)
    dataset = _load(options)
    split = getattr(dataset, options.split)
    z_mean = encode(open_encoder(options.folder, dataset), split).z_mean
    shown = projector.write_projection(options.output, z_mean, split.x, split.label, dataset.class_names)
    why = ", the first that its sheet of thumbnails holds" if shown < len(split) else ""
    sys.stderr.write(f"{options.output}: {shown} of {len(split)} images{why}\n")


def _require_folder(folder: pathlib.Path) -> None:
    # Before a data set is loaded, or even downloaded, for nothing.
    if not folder.is_dir():
        raise TrainingError(f"{folder}: expected a folder that is there")


def _load(options: argparse.Namespace) -> Dataset:
    from training.data import datasets

    dataset = datasets.load(options.data, options.size)
    for path in dataset.passed_over:
        sys.stderr.write(f"{path}: no picture, passed over\n")
    for name, labels in dataset.missing_labels().items():
        sys.stderr.write(f"{dataset.name}: no {name} image has a label of {', '.join(map(str, labels))}\n")
    return dataset


COMMANDS: dict[str, Callable[[argparse.Namespace, TextIO], int | None]] = {
    "train": _train,
    "sweep": _sweep,
    "evaluate": _evaluate,
    "export": _export,
    "prior": _prior,
    "reproduce": _reproduce,
    "judge": _judge,
    "compare": _compare,
    "report": _report,
    "project": _project,
}
