"""Parses the command line and calls; nothing else: `python -m training {train,evaluate,export}`."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import sys
import typing
from typing import Any

from training.config import TrainConfig, TrainingError

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
    # TensorFlow reads this when it is imported, and says much otherwise.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        options.command(options)
    except TrainingError as error:
        sys.stderr.write(f"training: {error}\n")
        return FAILED
    except KeyboardInterrupt:
        sys.stderr.write("training: interrupted; add --resume to go on from the last whole epoch\n")
        return INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("training", description="Trains a convolutional VAE and exports it.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    train = _command(commands, "train", "fit a model and leave checkpoints and a log", _train)
    train.add_argument(
        "--output", type=pathlib.Path, default=pathlib.Path("runs/mnist-2d"), help="folder of the run"
    )
    train.add_argument("--resume", action="store_true", help="go on from the newest checkpoint in --output")
    train.add_argument("--tensorboard", action="store_true", help="also write TensorBoard logs")
    train.add_argument(
        "--verbose", type=int, choices=(0, 1, 2), default=1, help="0 silent, 1 bar, 2 a line an epoch"
    )
    _add_config(train)
    evaluate = _command(commands, "evaluate", "measure a run or a bundle; JSON on standard output", _evaluate)
    evaluate.add_argument("folder", type=pathlib.Path, help="a run's folder or a bundle's")
    evaluate.add_argument(
        "--split", choices=("test", "validation"), default="test", help="what to measure on"
    )
    evaluate.add_argument("--seed", type=int, default=0, help="of epsilon")
    evaluate.add_argument(
        "--update", action="store_true", help="write the figures into the bundle's manifest"
    )
    export = _command(commands, "export", "write a run's bundle", _export)
    export.add_argument("folder", type=pathlib.Path, help="a run's folder")
    export.add_argument("--name", help="of the bundle; unset: the run folder's")
    export.add_argument(
        "--models", type=pathlib.Path, default=pathlib.Path("models"), help="folder of bundles"
    )
    export.add_argument("--force", action="store_true", help="replace a bundle that is there")
    return parser


def _command(commands: Any, name: str, text: str, function: Any) -> argparse.ArgumentParser:
    formatter = argparse.ArgumentDefaultsHelpFormatter
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=text.capitalize() + ".", formatter_class=formatter
    )
    parser.add_argument(
        "--data", default="mnist", help="'mnist' to download it, a folder of IDX files, or an .npz file"
    )
    parser.set_defaults(command=function)
    return parser


def _add_config(parser: argparse.ArgumentParser) -> None:
    types = typing.get_type_hints(TrainConfig)
    for field in dataclasses.fields(TrainConfig):
        kind, text = types[field.name], (field.metadata["help"]).replace("%", "%%")
        flag = "--" + field.name.replace("_", "-")
        if typing.get_origin(kind) is tuple:
            parser.add_argument(flag, type=int, nargs="+", default=field.default, help=text)
        elif typing.get_origin(kind) is typing.Literal:
            parser.add_argument(flag, choices=typing.get_args(kind), default=field.default, help=text)
        else:
            parser.add_argument(flag, type=kind, default=field.default, help=text)


def _train(options: argparse.Namespace) -> None:
    from training import data, train

    fields = {field.name: getattr(options, field.name) for field in dataclasses.fields(TrainConfig)}
    config = TrainConfig.from_dict(fields)
    run = train.train(
        config,
        data.load(options.data),
        options.output,
        resume=options.resume,
        tensorboard=options.tensorboard,
        verbose=options.verbose,
    )
    best = run.history[run.best_epoch - 1]
    sys.stderr.write(f"best epoch {run.best_epoch}: val_negative_elbo {best['val_negative_elbo']:.2f}\n")


def _evaluate(options: argparse.Namespace) -> None:
    from training import bundle, data, train

    dataset = data.load(options.data)
    if (options.folder / "model.json").is_file():
        metrics = bundle.measure_bundle(options.folder, dataset, options.split, options.seed)
        if options.update:
            bundle.update_metrics(options.folder, metrics)
    else:
        run = train.load(options.folder, dataset)
        metrics = bundle.measure_run(run, dataset, options.split, options.seed)
    sys.stdout.write(json.dumps(metrics, indent=1) + "\n")


def _export(options: argparse.Namespace) -> None:
    from training import bundle, data, train

    dataset = data.load(options.data)
    run = train.load(options.folder, dataset)
    folder = options.models / (options.name or options.folder.resolve().name)
    manifest = bundle.write_bundle(run, run.model.config, dataset, folder, force=options.force)
    sys.stdout.write(json.dumps(manifest["metrics"], indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
