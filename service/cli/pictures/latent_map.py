"""`cvae latent-map`: where the pictures of the test split lie."""

from __future__ import annotations

from typing import Any, get_args

import click

from service.cli import files, options, outputs
from service.cli.options import Source
from service.cli.outputs import Output
from service.core.choices import Drawn

EXAMPLES = """
\b
Examples:
  cvae latent-map -o map.png
  cvae latent-map --size 1024 --model mnist-16d -o map.webp
"""


@click.command("latent-map", epilog=EXAMPLES)
@click.option(
    "--size", type=click.IntRange(64, 2048), default=512, show_default=True, help="Of a side, in pixels."
)
@click.option(
    "--extent",
    type=click.FloatRange(0, 1000, min_open=True),
    help="It goes from -extent to extent; unset: what holds 99.9%.",
)
@click.option("--invert", is_flag=True, help="Turn dark and light over.")
@outputs.output(*get_args(Drawn))
@options.source
def latent_map(output: Output, source: Source, **parameters: Any) -> None:
    """Draw where the pictures of the test split lie in latent space, coloured by label.

    Of more than two dimensions it shows the two principal axes. Without -o, the places come out as JSON.
    """
    from service.cli import runner

    file = runner.run(
        source,
        lambda client: client.into(output.format).latent_map(  # type: ignore[arg-type]
            model=source.model, **parameters
        ),
    )
    files.write(output, file.content)
