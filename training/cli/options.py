"""Define the command line: its commands, their options, and the config that they make."""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import typing
from typing import Any

from training.config import TrainConfig
from training.experiments.recipes import BUNDLES, RECIPES


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line.

    Returns:
        A parser whose namespaces have the command's name in `command`, and leave out what was not given of a
        config, for the recipe to decide.
    """
    parser = argparse.ArgumentParser("training", description="Trains a convolutional VAE and exports it.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, text, add in (
        ("train", "fit a model and leave checkpoints and a log", _add_train),
        ("sweep", "train a grid of configs and compare them; a table out", _add_sweep),
        ("evaluate", "measure a run or a bundle; JSON out", _add_evaluate),
        ("export", "write a run's bundle", _add_export),
        ("prior", "fit a bundle the mixture that samples are drawn from; JSON out", _add_prior),
        ("reproduce", "train bundles of models/ again, and compare their figures", _add_reproduce),
        ("judge", "let a classifier, trained for it, judge what bundles draw; JSON out", _add_judge),
        ("report", "show a bundle and what it makes of the test images; an HTML page out", _add_report),
        ("project", "lay out latent space for TensorBoard's projector", _add_project),
    ):
        add(_add_command(commands, name, text))
    text = "set bundles side by side: sizes, figures, what a picture costs"
    _add_compare(commands.add_parser("compare", help=text, description=_sentence(text)))
    return parser


def _add_train(parser: argparse.ArgumentParser) -> None:
    output = "folder of the run; unset: runs/ and the recipe's name, or runs/mnist-2d"
    parser.add_argument("--output", type=pathlib.Path, default=argparse.SUPPRESS, help=output)
    resume = (
        "go on from the newest checkpoint in --output; with more --epochs than it was begun for, the "
        "schedule is that of so many from there on, so a cosine rises before it falls, as may "
        "the KL term's weight"
    )
    parser.add_argument("--resume", action="store_true", help=resume)
    parser.add_argument("--tensorboard", action="store_true", help="also write TensorBoard logs")
    distribute = "mirrored: on all GPUs; multi-worker: with the machines that TF_CONFIG names"
    choices = ("none", "mirrored", "multi-worker")
    parser.add_argument("--distribute", choices=choices, default="none", help=distribute)
    verbose = "0 silent, 1 a progress bar, 2 a line an epoch; unset: 1 in a terminal, else 2"
    parser.add_argument("--verbose", type=int, choices=(0, 1, 2), default=argparse.SUPPRESS, help=verbose)
    _add_quiet(parser)
    _add_config(parser)


def _add_sweep(parser: argparse.ArgumentParser) -> None:
    grid = (
        "a field's values, such as learning_rate=1e-3,2e-3 or decoder_units=64/64,128; repeat it for a grid"
    )
    parser.add_argument("--grid", action="append", required=True, metavar="FIELD=A,B", help=grid)
    output = "folder of the runs, each of which is resumed or looked up if it is there"
    parser.add_argument("--output", type=pathlib.Path, default="runs/sweep", help=output)
    _add_config(parser)


def _add_quiet(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quiet", action="store_true", help="do not say how far it is")


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
    binarised = "also estimate log p(x) of images drawn black and white by their grey, the literature's scale"
    parser.add_argument("--binarised", action="store_true", help=binarised)
    update = "write the test split's figures into the bundle"
    parser.add_argument("--update", action="store_true", help=update)
    _add_quiet(parser)


def _add_export(parser: argparse.ArgumentParser) -> None:
    models = pathlib.Path("models")
    parser.add_argument("folder", type=pathlib.Path, help="a run's folder")
    parser.add_argument("--name", help="of the bundle; unset: the run folder's")
    parser.add_argument("--models", type=pathlib.Path, default=models, help="folder of bundles")
    parser.add_argument("--force", action="store_true", help="replace a bundle that is there")
    _add_components(parser, 0)
    _add_quiet(parser)


def _add_prior(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=pathlib.Path, help="of the bundle; it is written anew in place")
    _add_components(parser, 1)
    parser.add_argument("--seed", type=_seed, default=0, help="of the fit")
    samples = "z drawn for each test image to estimate log p(x); 0 leaves that out"
    parser.add_argument("--importance-samples", type=_count, default=500, help=samples)
    _add_quiet(parser)


def _add_components(parser: argparse.ArgumentParser, least: int) -> None:
    text = "Gaussians a class in the mixture that samples are drawn from, at most"
    text += "; 0: samples come from N(0, 1)" if least == 0 else ""
    parser.add_argument("--components", type=_count if least == 0 else _positive, default=20, help=text)


def _add_reproduce(parser: argparse.ArgumentParser) -> None:
    names = f"of bundles with a recipe: {', '.join(BUNDLES)}"
    parser.add_argument("names", nargs="+", choices=BUNDLES, metavar="NAME", help=names)
    parser.add_argument("--models", type=pathlib.Path, default="models", help="folder of the bundles")
    output = "folder of the runs and the new bundles; resumed if there"
    parser.add_argument("--output", type=pathlib.Path, default="runs/reproduced", help=output)
    _add_quiet(parser)


def _add_judge(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folders", nargs="+", type=pathlib.Path, metavar="folder", help="of a bundle")
    classifier = "folder of the classifier; it is trained there if it is not there yet"
    parser.add_argument("--classifier", type=pathlib.Path, default="runs/classifier", help=classifier)
    parser.add_argument("--update", action="store_true", help="write the judgement into the bundle")
    _add_quiet(parser)


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=pathlib.Path, help="of a bundle")
    parser.add_argument("--against", type=pathlib.Path, help="another bundle, to compare with")
    parser.add_argument("--output", type=pathlib.Path, default="report.html", help="the page")


def _add_compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folders", nargs="+", type=pathlib.Path, metavar="folder", help="of a bundle")
    parser.add_argument("--format", choices=("markdown", "json"), default="markdown", help="of the table")
    parser.set_defaults(command="compare")


def _add_project(parser: argparse.ArgumentParser) -> None:
    splits = ("test", "validation", "train")
    parser.add_argument("folder", type=pathlib.Path, help="a run's folder or a bundle's")
    parser.add_argument("--output", type=pathlib.Path, required=True, help="folder for TensorBoard to open")
    parser.add_argument("--split", choices=splits, default="test", help="which images to lay out")


def _add_command(commands: Any, name: str, text: str) -> argparse.ArgumentParser:
    formatter = argparse.ArgumentDefaultsHelpFormatter
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=_sentence(text), formatter_class=formatter
    )
    data = "'mnist' to download it, a folder of IDX files, pictures or Parquet, an .npz or a .parquet file"
    parser.add_argument("--data", default="mnist", help=data)
    size = "bring pictures that are files to this size, whole, on the colour of their border"
    parser.add_argument("--size", type=_size, metavar="WIDTHxHEIGHT", help=size)
    parser.set_defaults(command=name)
    return parser


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def make_config(options: argparse.Namespace) -> TrainConfig:
    """Return the config that was asked for: the recipe's, or the default one, with what was given.

    Raises:
        ConfigError: It cannot work.
    """
    return TrainConfig.from_dict(make_fields(options))


def make_fields(options: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of the config that was asked for, which may not work as they are."""
    names = [field.name for field in dataclasses.fields(TrainConfig)]
    given = {name: getattr(options, name) for name in names if hasattr(options, name)}
    recipe = getattr(options, "recipe", None)
    start = RECIPES[recipe] if recipe else TrainConfig()
    return {**start.to_dict(), **given}


def _count(text: str) -> int:
    if (count := int(text)) < 0:
        raise argparse.ArgumentTypeError(f"expected an integer of at least 0, received {text}")
    return count


def _positive(text: str) -> int:
    if (count := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"expected an integer of at least 1, received {text}")
    return count


def _size(text: str) -> tuple[int, int]:
    """Parse WIDTHxHEIGHT to height and width."""
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and 0 < int(width) <= 1024 and 0 < int(height) <= 1024):
        raise argparse.ArgumentTypeError(f"expected such as 32x24, each side in [1, 1024], received {text}")
    return int(height), int(width)


def _seed(text: str) -> int:
    if not 0 <= (seed := int(text)) < 2**32:
        raise argparse.ArgumentTypeError(f"expected an integer in [0, 2**32), received {text}")
    return seed
