"""`cvae digits`: one picture of a class."""

from __future__ import annotations

from typing import Any

import click

from service.cli import options, outputs
from service.cli.options import Source
from service.cli.outputs import Output

EXAMPLES = """
\b
Examples:
  cvae digits 7 -o seven.png --scale 4
  cvae digits 7 --seed 3 --temperature 0 --model mnist-16d -o seven.webp
"""


@click.command(epilog=EXAMPLES)
@click.argument("digit")
@options.seed("Unset: chosen, and named on stderr.")
@options.temperature
@options.dtype
@options.look
@outputs.output(*options.STILL_FORMATS)
@options.source
def digits(digit: str, look: dict[str, Any], output: Output, source: Source, **parameters: Any) -> None:
    """Draw DIGIT, the label or the name of a class, from where the class lies in latent space.

    The same seed draws the same. Without -o, JSON comes out. `cvae sample --digit` draws several.
    """
    from service.cli import runner

    file = runner.run(
        source,
        lambda client: client.into(output.format, **look).draw(  # type: ignore[arg-type]
            digit, model=source.model, **parameters
        ),
    )
    runner.write_drawn(output, file)
