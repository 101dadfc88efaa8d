"""`cvae restyle`: labels written in the style of pictures."""

from __future__ import annotations

from typing import Any

import click

from service.cli import files, options, outputs
from service.cli.options import Source
from service.cli.outputs import Output

EXAMPLES = """
\b
Examples:
  cvae restyle mine.png -o digits.png --scale 4
  cvae restyle mine.png --labels 20251126 -o date.png
  cvae restyle a.png b.jpg --labels 3,8 --model mnist-16d-conditional -o pair.zip
"""


@click.command(epilog=EXAMPLES)
@options.files
@click.option(
    "--labels",
    metavar="PHRASE",
    help="A label a character, or labels and names of classes with commas; unset: each class.",
)
@options.polarity
@options.dtype
@options.look
@outputs.output(*options.STILL_FORMATS)
@options.source
def restyle(
    paths: tuple[str, ...], look: dict[str, Any], output: Output, source: Source, **parameters: Any
) -> None:
    """Write labels in the style of a picture, or in the mean style of several.

    FILES are as for `cvae encode`. It takes a label-conditioned model: the default one, or the first that
    there is. A .png is one line. Without -o, JSON comes out.
    """
    from service.cli import runner

    pictures = [files.read(path) for path in paths]
    file = runner.run(
        source,
        lambda client: client.into(output.format, **look).restyle(  # type: ignore[arg-type]
            pictures, model=source.model, **parameters
        ),
        all_bundles=not source.bundle,
    )
    files.write(output, file.content)
