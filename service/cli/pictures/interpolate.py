"""`cvae interpolate`: pictures between two points."""

from __future__ import annotations

import pathlib
import re
from typing import Any, get_args

import click

from service.cli import files, options, outputs
from service.cli.options import Source
from service.cli.outputs import Output
from service.core.choices import Method

TEXT = re.compile(r"digit:|[-+.\d]+[\d.eE+-]*(,|$)")
EXAMPLES = """
\b
Examples:
  cvae interpolate 3 8 -o walk.gif --scale 8
  cvae interpolate 3 0.1,-0.4 --steps 30 --duration-ms 50 -o walk.apng
  cvae interpolate mine.png 7 -o strip.png --colormap magma
  cvae interpolate 1 1 --through 7 --through 9 --steps 31 -o round.gif
  cvae interpolate 0.5,-1 -1,0.5 --steps 100 --format ndjson | head -n 1
"""


# Unknown options are vectors that begin with a minus, as in `decode`.
@click.command(context_settings={"ignore_unknown_options": True}, epilog=EXAMPLES)
@click.argument("start", callback=options.refuse_options)
@click.argument("end", callback=options.refuse_options)
@click.option(
    "--steps", type=click.IntRange(2), default=8, show_default=True, help="Pictures, both ends included."
)
@click.option(
    "--method", type=click.Choice(get_args(Method)), help="Unset: lerp for up to 3 dimensions, else slerp."
)
@click.option("--start-label", help="Beside a vector or a file, if the model takes labels.")
@click.option("--end-label", help="The same.")
@click.option("--through", multiple=True, metavar="POINT", help="To go through; several times for several.")
@click.option(
    "--through-label", multiple=True, help="One for each vector of them, if the model takes labels."
)
@options.motion
@options.dtype
@options.look
@outputs.output(*options.FORMATS)
@options.source
def interpolate(
    start: str,
    end: str,
    motion: dict[str, Any],
    look: dict[str, Any],
    output: Output,
    source: Source,
    through: tuple[str, ...],
    **parameters: Any,
) -> None:
    """Draw the way from START to END.

    Each is a vector such as 0.5,-1.0, a class such as 3 or digit:square, or a picture's file, of which - is
    stdin. A .png is a strip; .gif, .apng and .webp move. Without -o, JSON comes out.
    """
    from service.cli import runner

    if start == end == files.STDIN:
        raise click.UsageError("expected one end from stdin, received -, twice")
    ends, stops = (_read_end(start), _read_end(end)), [_read_end(text) for text in through]
    if stops and any(not isinstance(point, str) for point in (*ends, *stops)):
        raise click.UsageError("--through: expected no picture's file, here or at an end, received one")
    file = runner.run(
        source,
        lambda client: client.into(output.format, **look, **motion).interpolate(  # type: ignore[arg-type]
            *ends, through=stops, model=source.model, **parameters
        ),
    )
    files.write(output, file.content)


def _read_end(text: str) -> str | pathlib.Path | bytes:
    if text == files.STDIN:
        return files.read(text)
    if text.isascii() and text.isdecimal():
        return f"digit:{text}"
    if TEXT.match(text):
        return text
    if not pathlib.Path(text).is_file():
        expected = "a vector such as 0.5,-1.0, a class such as 3, or a picture's file"
        raise click.UsageError(f"expected {expected}; received {text!r}")
    return pathlib.Path(text)
