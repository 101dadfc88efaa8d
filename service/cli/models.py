"""`cvae models`: a table of the loaded models."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

import click

from service.cli import files, options
from service.cli.options import Source

EXAMPLES = """
\b
Examples:
  cvae models
  cvae models --url http://localhost:8000 --json
"""
HEAD = ("name", "version", "default", "latent_dim", "pixels", "labels", "provider")


@click.command(epilog=EXAMPLES)
@click.option("--json", "as_json", is_flag=True, help="All that is known of them.")
@options.source
def models(as_json: bool, source: Source) -> None:
    """List the models of a service, or of a folder of bundles.

    The last but one column says which labels a label-conditioned model takes.
    """
    from service.cli import runner

    found = runner.run(source, lambda client: client.models(), all_bundles=not source.bundle)
    found = tuple(model for model in found if source.model in (None, model.name, model.reference))
    if as_json:
        files.write_text(json.dumps({"models": [dataclasses.asdict(model) for model in found]}, indent=2))
        return
    rows = [
        (
            model.name,
            model.version,
            "yes" if model.default else "no",
            str(model.latent_dim),
            "x".join(str(model.image[side]) for side in ("height", "width", "channels")),
            ",".join(map(str, model.classes)) if model.conditional else "-",
            str(model.runtime["provider"]),
        )
        for model in found
    ]
    files.write_text("\n".join(_align([HEAD, *rows])))


def _align(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
