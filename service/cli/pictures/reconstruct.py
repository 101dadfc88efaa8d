"""`cvae reconstruct`: pictures beside what a model makes of them."""

from __future__ import annotations

from typing import Any

import click

from service.cli import files, options, outputs
from service.cli.options import Source
from service.cli.outputs import Output

EXAMPLES = """
\b
Examples:
  cvae reconstruct photo.jpg -o pair.png --scale 4
  cvae reconstruct *.png --model mnist-16d -o pairs.zip
  cvae reconstruct seven.png --label 7 --model mnist-16d-conditional
"""


@click.command(epilog=EXAMPLES)
@options.files
@click.option("--label", help="Of all pictures, if the model takes labels.")
@options.polarity
@options.dtype
@options.look
@outputs.output(*options.STILL_FORMATS)
@options.source
def reconstruct(
    paths: tuple[str, ...], look: dict[str, Any], output: Output, source: Source, **parameters: Any
) -> None:
    """Encode pictures and decode them again.

    FILES are as for `cvae encode`. A sheet has each picture to the left of its reconstruction; JSON, which
    comes out without -o, says how far it is, in nats.
    """
    from service.cli import runner

    pictures = [files.read(path) for path in paths]
    file = runner.run(
        source,
        lambda client: client.into(output.format, **look).reconstruct(  # type: ignore[arg-type]
            pictures, model=source.model, **parameters
        ),
    )
    files.write(output, file.content)
