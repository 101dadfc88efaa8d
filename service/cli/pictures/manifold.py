"""`cvae manifold`: an even grid over two dimensions of latent space."""

from __future__ import annotations

from typing import Any

import click

from service.cli import files, options, outputs
from service.cli.options import Source
from service.cli.outputs import Output

EXAMPLES = """
\b
Examples:
  cvae manifold -o manifold.png
  cvae manifold -n 10 --extent 2 --dims 3,7 --model mnist-16d -o axes.png
  cvae manifold -n 8 --label 4 --model mnist-16d-conditional -o fours.webp
"""


def _read_dims(_context: click.Context, _parameter: click.Parameter, text: str) -> tuple[int, int]:
    try:
        across, up = map(int, text.split(","))
    except ValueError as error:
        raise click.BadParameter(f"expected two numbers, such as 0,1; received {text!r}") from error
    return across, up


@click.command(epilog=EXAMPLES)
@click.option("-n", type=click.IntRange(1), default=20, show_default=True, help="Pictures a side.")
@click.option(
    "--extent",
    type=click.FloatRange(0, 10, min_open=True),
    default=3.0,
    show_default=True,
    help="The grid goes from -extent to extent.",
)
@click.option(
    "--dims",
    callback=_read_dims,
    default="0,1",
    show_default=True,
    metavar="I,J",
    help="The dimension to the right and that upwards; all others are 0.",
)
@click.option("--label", help="Of all pictures, if the model takes labels.")
@options.dtype
@options.look
@outputs.output(*options.STILL_FORMATS)
@options.source
def manifold(look: dict[str, Any], output: Output, source: Source, **parameters: Any) -> None:
    """Draw an even grid over two dimensions of latent space.

    Without -o, JSON comes out.
    """
    from service.cli import runner

    file = runner.run(
        source,
        lambda client: client.into(output.format, **look).manifold(  # type: ignore[arg-type]
            model=source.model, **parameters
        ),
    )
    files.write(output, file.content)
