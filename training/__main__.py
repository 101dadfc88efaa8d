"""Parses the command line and calls; nothing else: `python -m training --help`."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import sys
import typing
from collections.abc import Iterator
from typing import Any

from training.config import TrainConfig, TrainingError
from training.recipes import RECIPES

FAILED = 2
INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Runs one command.

    Args:
        arguments: Of the command line; unset: the process's own.

    Returns:
        The exit status: 0, 2 for a request that cannot be met, 130 after an interrupt.
    """
    options = _parser().parse_args(arguments)
    try:
        with _silence():
            import tensorflow  # noqa: F401
        options.command(options)
    except (TrainingError, OSError) as error:
        sys.stderr.write(f"training: {error}\n")
        return FAILED
    except KeyboardInterrupt:
        hint = "; add --resume to go on from the last whole epoch" if options.command is _train else ""
        sys.stderr.write(f"\ntraining: interrupted{hint}\n")
        return INTERRUPTED
    return 0


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Discards what TensorFlow's libraries write while they load, before they read any setting."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    kept = os.dup(2)
    try:
        with pathlib.Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("training", description="Trains a convolutional VAE and exports it.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_train(_command(commands, "train", "fit a model and leave checkpoints and a log", _train))
    _add_sweep(_command(commands, "sweep", "train a grid of configs and compare them; a table out", _sweep))
    _add_evaluate(_command(commands, "evaluate", "measure a run or a bundle; JSON out", _evaluate))
    _add_export(_command(commands, "export", "write a run's bundle", _export))
    text = "train bundles of models/ again, and compare their figures"
    _add_reproduce(_command(commands, "reproduce", text, _reproduce))
    text = "let a classifier, trained for it, judge what bundles draw; JSON out"
    _add_judge(_command(commands, "judge", text, _judge))
    _add_project(_command(commands, "project", "lay out latent space for TensorBoard's projector", _project))
    return parser


def _add_train(parser: argparse.ArgumentParser) -> None:
    output = "folder of the run; unset: runs/ and the recipe's name, or runs/mnist-2d"
    parser.add_argument("--output", type=pathlib.Path, default=argparse.SUPPRESS, help=output)
    parser.add_argument("--resume", action="store_true", help="go on from the newest checkpoint in --output")
    parser.add_argument("--tensorboard", action="store_true", help="also write TensorBoard logs")
    verbose = "0 silent, 1 a progress bar, 2 a line an epoch"
    parser.add_argument("--verbose", type=int, choices=(0, 1, 2), default=1, help=verbose)
    _add_config(parser)


def _add_sweep(parser: argparse.ArgumentParser) -> None:
    grid = (
        "a field's values, such as learning_rate=1e-3,2e-3 or decoder_units=64/64,128; repeat it for a grid"
    )
    parser.add_argument("--grid", action="append", required=True, metavar="FIELD=A,B", help=grid)
    output = "folder of the runs, each of which is resumed or looked up if it is there"
    parser.add_argument("--output", type=pathlib.Path, default="runs/sweep", help=output)
    _add_config(parser)


def _add_config(parser: argparse.ArgumentParser) -> None:
    recipe = "what the options below start from"
    parser.add_argument("--recipe", choices=tuple(RECIPES), default=argparse.SUPPRESS, help=recipe)
    types = typing.get_type_hints(TrainConfig)
    for field in dataclasses.fields(TrainConfig):
        _add_field(parser, field, types[field.name])


def _add_field(parser: argparse.ArgumentParser, field: dataclasses.Field[Any], kind: Any) -> None:
    flag = "--" + field.name.replace("_", "-")
    # What is not given stays out, for the recipe to decide.
    text = f"{field.metadata['help']} (default: {field.default})".replace("%", "%%")
    how: dict[str, Any] = {"type": kind}
    if typing.get_origin(kind) is tuple:
        how = {"type": int, "nargs": "+"}
    elif kind is bool:
        how = {"action": argparse.BooleanOptionalAction}
    elif typing.get_origin(kind) is typing.Literal:
        how = {"choices": typing.get_args(kind)}
    parser.add_argument(flag, default=argparse.SUPPRESS, help=text, **how)


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=pathlib.Path, help="a run's folder or a bundle's")
    parser.add_argument("--split", choices=("test", "validation"), default="test", help="what to measure on")
    parser.add_argument("--seed", type=_seed, default=0, help="of epsilon")
    samples = "z drawn for each image to estimate log p(x); 0 leaves that out"
    parser.add_argument("--importance-samples", type=_count, default=500, help=samples)
    update = "write the test split's figures into the bundle"
    parser.add_argument("--update", action="store_true", help=update)


def _add_export(parser: argparse.ArgumentParser) -> None:
    models = pathlib.Path("models")
    parser.add_argument("folder", type=pathlib.Path, help="a run's folder")
    parser.add_argument("--name", help="of the bundle; unset: the run folder's")
    parser.add_argument("--models", type=pathlib.Path, default=models, help="folder of bundles")
    parser.add_argument("--force", action="store_true", help="replace a bundle that is there")


def _add_reproduce(parser: argparse.ArgumentParser) -> None:
    names = f"of bundles with a recipe: {', '.join(RECIPES)}"
    parser.add_argument("names", nargs="+", choices=tuple(RECIPES), metavar="NAME", help=names)
    parser.add_argument("--models", type=pathlib.Path, default="models", help="folder of the bundles")
    output = "folder of the runs and the new bundles; resumed if there"
    parser.add_argument("--output", type=pathlib.Path, default="runs/reproduced", help=output)


def _add_judge(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folders", nargs="+", type=pathlib.Path, metavar="folder", help="of a bundle")
    classifier = "folder of the classifier; it is trained there if it is not there yet"
    parser.add_argument("--classifier", type=pathlib.Path, default="runs/classifier", help=classifier)
    parser.add_argument("--update", action="store_true", help="write the judgement into the bundle")


def _add_project(parser: argparse.ArgumentParser) -> None:
    splits = ("test", "validation", "train")
    parser.add_argument("folder", type=pathlib.Path, help="a run's folder or a bundle's")
    parser.add_argument("--output", type=pathlib.Path, required=True, help="folder for TensorBoard to open")
    parser.add_argument("--split", choices=splits, default="test", help="which images to lay out")


def _command(commands: Any, name: str, text: str, function: Any) -> argparse.ArgumentParser:
    formatter = argparse.ArgumentDefaultsHelpFormatter
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=text.capitalize() + ".", formatter_class=formatter
    )
    data = "'mnist' to download it, a folder of IDX files or of pictures, or an .npz file"
    parser.add_argument("--data", default="mnist", help=data)
    parser.set_defaults(command=function)
    return parser


def _count(text: str) -> int:
    if (count := int(text)) < 0:
        raise argparse.ArgumentTypeError(f"expected an integer of at least 0, received {text}")
    return count


def _seed(text: str) -> int:
    if not 0 <= (seed := int(text)) < 2**32:
        raise argparse.ArgumentTypeError(f"expected an integer in [0, 2**32), received {text}")
    return seed


def _train(options: argparse.Namespace) -> None:
    from training import data, train

    run = train.train(
        _config(options),
        data.load(options.data),
        getattr(options, "output", pathlib.Path("runs") / getattr(options, "recipe", "mnist-2d")),
        resume=options.resume,
        tensorboard=options.tensorboard,
        verbose=options.verbose,
    )
    best = run.history[run.best_epoch - 1]
    sys.stderr.write(f"best epoch {run.best_epoch}: val_negative_elbo {best['val_negative_elbo']:.2f}\n")


def _sweep(options: argparse.Namespace) -> None:
    from training import data, sweep

    base, grid = _config(options), sweep.parse_grid(options.grid)
    results = sweep.sweep(base, grid, data.load(options.data), options.output)
    sys.stdout.write(sweep.tabulate(results))


def _config(options: argparse.Namespace) -> TrainConfig:
    names = [field.name for field in dataclasses.fields(TrainConfig)]
    given = {name: getattr(options, name) for name in names if hasattr(options, name)}
    recipe = getattr(options, "recipe", None)
    start = RECIPES[recipe] if recipe else TrainConfig()
    return TrainConfig.from_dict({**start.to_dict(), **given})


def _evaluate(options: argparse.Namespace) -> None:
    from training import bundle, data, train

    _require_folder(options.folder)
    dataset = data.load(options.data)
    how = options.split, options.seed, options.importance_samples
    if (options.folder / "model.json").is_file():
        metrics = bundle.measure_bundle(options.folder, dataset, *how)
        if options.update:
            bundle.update_metrics(options.folder, metrics, dataset)
    else:
        run = train.load(options.folder, dataset)
        metrics = bundle.measure_run(run, dataset, *how)
    sys.stdout.write(json.dumps(metrics, indent=1) + "\n")


def _export(options: argparse.Namespace) -> None:
    from training import bundle, data, train

    _require_folder(options.folder)
    dataset = data.load(options.data)
    run = train.load(options.folder, dataset)
    folder = options.models / (options.name or options.folder.resolve().name)
    manifest = bundle.write_bundle(run, dataset, folder, force=options.force)
    sys.stdout.write(json.dumps(manifest["metrics"], indent=1) + "\n")


def _reproduce(options: argparse.Namespace) -> None:
    from training import data, reproduce

    dataset = data.load(options.data)
    for name in options.names:
        figures = reproduce.reproduce(name, dataset, options.models, options.output)
        for figure, (committed, found) in figures.items():
            sys.stdout.write(f"{name}: {figure}: committed {committed:.2f}, found {found:.2f} nats\n")


def _judge(options: argparse.Namespace) -> None:
    from training import classifier, data, judge

    for folder in options.folders:
        _require_folder(folder)
    dataset = data.load(options.data)
    trained = classifier.train_classifier(dataset, options.classifier)
    judgements = {}
    for folder in options.folders:
        judgements[str(folder)] = judgement = judge.judge_bundle(folder, dataset, trained)
        if options.update:
            judge.write_judgement(folder, judgement, dataset)
    sys.stdout.write(json.dumps(judgements, indent=1) + "\n")


def _project(options: argparse.Namespace) -> None:
    from training import data, encoder, evaluate, projector

    _require_folder(options.folder)
    dataset = data.load(options.data)
    split = getattr(dataset, options.split)
    z_mean = evaluate.encode(encoder.open_encoder(options.folder, dataset), split).z_mean
    shown = projector.write_projection(options.output, z_mean, split.x, split.label, dataset.class_names)
    why = ", the first that its sheet of thumbnails holds" if shown < len(split) else ""
    sys.stderr.write(f"{options.output}: {shown} of {len(split)} images{why}\n")


def _require_folder(folder: pathlib.Path) -> None:
    # Before a data set is loaded, or even downloaded, for nothing.
    if not folder.is_dir():
        raise TrainingError(f"{folder}: expected a folder that is there")


if __name__ == "__main__":
    sys.exit(main())
