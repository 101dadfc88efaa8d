"""`cvae decode`: latent vectors to pictures."""

from __future__ import annotations

from typing import Any

import click

from service.cli import files, options, outputs
from service.cli.options import Source
from service.cli.outputs import Output

EXAMPLES = """
\b
Examples:
  cvae decode 0.5,-1.0 -o digit.png --scale 8
  cvae decode 0.5,-1.0 0,0 -1.5,0.5 2,1 -o sheet.png --padding 1
  cvae decode vectors.npy -o images.npy --dtype uint8
  cvae encode digit.png | cvae decode - -o again.png
  cvae decode 0,1,0,-1,0,0,2,0,0,0,1,0,0,0,-1,0 --label 7 --model mnist-16d-conditional -o seven.png
"""


# Without this setting a vector that begins with a minus is taken for an option.
@click.command(context_settings={"ignore_unknown_options": True}, epilog=EXAMPLES)
@click.argument("texts", metavar="VECTORS...", nargs=-1, required=True, callback=options.refuse_options)
@click.option("--label", "labels", multiple=True, help="Of all vectors; or repeated, one a vector.")
@options.dtype
@options.look
@outputs.output(*options.STILL_FORMATS)
@options.source
def decode(
    texts: tuple[str, ...],
    labels: tuple[str, ...],
    dtype: str,
    look: dict[str, Any],
    output: Output,
    source: Source,
) -> None:
    """Decode latent vectors to pictures.

    VECTORS are numbers with commas between them; or one file, .json or .npy; or - for stdin. Several make a
    sheet. Without -o, JSON comes out.
    """
    from service.cli import runner, vectors

    z = vectors.read(texts)
    label = labels[0] if len(labels) == 1 else labels or None
    file = runner.run(
        source,
        lambda client: client.into(output.format, **look).decode(  # type: ignore[arg-type]
            z,
            label=label,
            model=source.model,
            dtype=dtype,  # type: ignore[arg-type]
        ),
    )
    files.write(output, file.content)
