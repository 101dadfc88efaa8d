"""`cvae encode`: pictures to the parameters of q(z|x)."""

from __future__ import annotations

import click

from service.cli import files, options, outputs
from service.cli.options import Source
from service.cli.outputs import Output

EXAMPLES = """
\b
Examples:
  cvae encode digit.png
  cvae encode photo.jpg --seed 1 --neighbours 0
  cvae encode *.png -o z_mean.npy
  cvae decode 0.5,-1.0 --format png | cvae encode - --url http://localhost:8000
"""


@click.command(epilog=EXAMPLES)
@options.files
@options.seed("Also draw z from q(z|x).")
@click.option(
    "--neighbours",
    type=click.IntRange(0, 100),
    default=5,
    show_default=True,
    help="How many pictures of the test split to name that lie nearest.",
)
@options.polarity
@click.option("--metadata", is_flag=True, help="Also tell what made each file, if it says so itself.")
@outputs.output("json", "npy")
@options.source
def encode(
    paths: tuple[str, ...],
    seed: int | None,
    neighbours: int,
    polarity: str,
    metadata: bool,
    output: Output,
    source: Source,
) -> None:
    """Encode pictures to the parameters of q(z|x).

    FILES are PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF or HEIC, of any size and colour; - is stdin. As .npy comes
    z_mean, or with a seed z.
    """
    from service.cli import runner
    from service.client.requests import encoding
    from service.client.serialize import to_npy

    pictures = [files.read(path) for path in paths]
    request = encoding.encode(
        pictures,
        seed=seed,
        neighbours=neighbours,
        polarity=polarity,  # type: ignore[arg-type]
        metadata=metadata,
        model=source.model,
    )
    if output.format == "json":
        content = runner.run(source, lambda client: client.send(request.as_file())).content
    else:
        posterior = runner.run(source, lambda client: client.send(request))
        content = to_npy(posterior.z_mean if posterior.z is None else posterior.z)
    files.write(output, content)
