"""`cvae serve`: run the service."""

from __future__ import annotations

import os

import click

EXAMPLES = """
\b
Examples:
  cvae serve
  cvae serve --port 9000 --workers auto --models-dir bundles
  CVAE_DEADLINE_MS=500 cvae serve --provider cpu
"""


@click.command(epilog=EXAMPLES)
@click.option("--host", help="Address to listen on; 0.0.0.0 for all, :: for all of IPv6.")
@click.option("--port", help="TCP port to listen on; 0 for any.")
@click.option("--models-dir", metavar="FOLDER", help="Folder of model bundles.")
@click.option("--default-model", metavar="NAME", help="Of requests that name none.")
@click.option("--workers", help="Server processes; auto: one a core, as far as memory allows.")
@click.option("--provider", help="Where onnxruntime runs: auto, cpu, cuda or tensorrt.")
@click.option("--log-level", help="debug, info, warning or error.")
def serve(**settings: str | None) -> None:
    """Run the service until it is told to stop.

    What is not given here comes from the environment or a .env file: each option has a variable, as --port
    has CVAE_PORT, and docs/configuration.md lists the rest.
    """
    # Through the environment, which worker processes inherit.
    os.environ.update(
        {f"CVAE_{name.upper()}": value for name, value in settings.items() if value is not None}
    )
    from service.server.main import main

    if main():
        raise click.exceptions.Exit(1)
