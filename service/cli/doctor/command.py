"""`cvae doctor`: check bundles as the service would, and time them."""

from __future__ import annotations

import pathlib

import click

from service.cli import files

FAULTY = 1
EXAMPLES = """
\b
Examples:
  cvae doctor
  cvae doctor models
  cvae doctor models/mnist-2d --json
  CVAE_PROVIDER=cuda cvae doctor
"""


@click.command(epilog=EXAMPLES)
@click.argument("bundles", nargs=-1, type=click.Path(path_type=pathlib.Path))
@click.option("--json", "as_json", is_flag=True, help="The same, for programs.")
@click.pass_context
def doctor(context: click.Context, bundles: tuple[pathlib.Path, ...], as_json: bool) -> None:
    """Say whether bundles would be served here, on what, and how fast.

    BUNDLES are bundles, or folders of bundles; without any, the folder CVAE_MODELS_DIR. Each is read as the
    service reads it: its checksums and its version are checked, its golden vectors replayed; then batches of
    1 and 32 are timed. Ends with 0 if all is well, else with 1.
    """
    from service.cli.doctor import report

    found = report.examine(bundles)
    files.write_text(found.as_json() if as_json else found.as_text())
    if not found.is_well:
        context.exit(FAULTY)
