"""`cvae bundle pack` and `cvae bundle check`."""

from __future__ import annotations

import pathlib
from typing import Any, get_args

import click

from service.cli.doctor.command import doctor
from service.cli.extras import describe_missing
from service.core.choices import ImagePolarity

FILE = click.Path(exists=True, dir_okay=False, path_type=pathlib.Path)
FOLDER = click.Path(path_type=pathlib.Path)
EXAMPLES = """
\b
Examples:
  cvae bundle pack encoder.onnx decoder.onnx --data digits.npz --golden golden.npz -o models/mine
  cvae bundle check models/mine
"""


@click.group(epilog=EXAMPLES)
def bundle() -> None:
    """Make a bundle of a model of your own, or check one."""


@bundle.command(epilog=EXAMPLES)
@click.argument("folder", type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="The same, for programs.")
@click.pass_context
def check(context: click.Context, folder: pathlib.Path, as_json: bool) -> None:
    """Say whether one bundle would be served here: `cvae doctor` for one folder."""
    context.invoke(doctor, bundles=(folder,), as_json=as_json)


@bundle.command(epilog=EXAMPLES)
@click.argument("encoder", type=FILE)
@click.argument("decoder", type=FILE)
@click.option("--data", required=True, type=FILE, help="An .npz file with x_train, y_train, x_test, y_test.")
@click.option("--golden", required=True, type=FILE, help="An .npz file of what your framework computes.")
@click.option("-o", "--output", required=True, type=FOLDER, help="The bundle's folder, such as models/mine.")
@click.option("--polarity", type=click.Choice(get_args(ImagePolarity)), help="Unset: as the borders are.")
@click.option("--box", type=click.IntRange(1), help="Fit uploads to their ink, in so many pixels, as MNIST.")
@click.option("--force", is_flag=True, help="Replace a bundle that is there.")
def pack(**options: Any) -> None:
    """Write the bundle of a model from its two ONNX files.

    ENCODER takes pictures and gives z_mean and z_log_var; DECODER takes z, and the one-hot label if the model
    is conditional, and gives pictures. Other names will do if the order is this. Weights in a file of their
    own are taken in. The golden vectors, x, z_mean, z_log_var, z and image, tell a faulty export from a good
    one; the labels of the data, which may be left out, say where the classes lie.
    """
    try:
        from service.cli.bundle.pack import write_bundle
    except ModuleNotFoundError as error:
        raise click.ClickException(describe_missing(error, "pack")) from error
    write_bundle(**options)
