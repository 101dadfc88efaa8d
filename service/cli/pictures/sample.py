"""`cvae sample`: pictures drawn from the prior or a class."""

from __future__ import annotations

from typing import Any, get_args

import click

from service.cli import options, outputs
from service.cli.options import Source
from service.cli.outputs import Output
from service.core import choices

EXAMPLES = """
\b
Examples:
  cvae sample -n 16 --seed 1 -o sheet.png --scale 2
  cvae sample --digit 7 --temperature 0.8 -o seven.png
  cvae sample -n 100 --digit 4 --model mnist-16d-conditional -o fours.zip
"""


@click.command(epilog=EXAMPLES)
@click.option("-n", type=click.IntRange(1), default=1, show_default=True, help="How many pictures.")
@click.option("--digit", help="A class to draw from; unset: the prior.")
@click.option(
    "--prior",
    type=click.Choice(get_args(choices.PriorName)),
    help="Without a digit: normal is N(0, 1); unset: the model's own.",
)
@options.seed("Unset: chosen, and named on stderr.")
@options.temperature
@options.dtype
@options.look
@outputs.output(*options.STILL_FORMATS)
@options.source
def sample(look: dict[str, Any], output: Output, source: Source, **parameters: Any) -> None:
    """Draw pictures from the prior, or from a class.

    The same seed draws the same; fewer are the first of more. Without -o, JSON comes out.
    """
    from service.cli import runner

    file = runner.run(
        source,
        lambda client: client.into(output.format, **look).sample(  # type: ignore[arg-type]
            model=source.model, **parameters
        ),
    )
    runner.write_drawn(output, file)
