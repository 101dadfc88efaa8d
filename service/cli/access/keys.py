"""`cvae keys`: make API keys, and pairs to sign URLs with."""

from __future__ import annotations

import secrets

import click

from service.cli import files
from service.security.api_keys import NAME, SCOPES, create_key, write_entry

EXAMPLES = """
\b
Examples:
  cvae keys create --name website >> keys.txt
  cvae keys create --name prometheus --scope metrics
  cvae keys pair
"""
PAIR_BYTES = 32


def check_name(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    """Refuse a name that no entry could have."""
    if not NAME.fullmatch(value):
        raise click.BadParameter(f"expected 1 to 64 letters, digits and . _ -, received {value!r}")
    return value


@click.group(epilog=EXAMPLES)
def keys() -> None:
    """Make API keys, and pairs to sign URLs with."""


@keys.command()
@click.option("--name", default="key", show_default=True, callback=check_name, help="For limits.")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    default=("read",),
    show_default=True,
    help="What it opens; may be repeated.",
)
def create(name: str, scopes: tuple[str, ...]) -> None:
    """Print a new API key on stderr, and on stdout its line for CVAE_API_KEYS_FILE.

    The line holds the key's hash, from which nobody finds the key: keep the key now, or never.
    """
    key = create_key()
    click.echo(f"key {key}", err=True)
    files.write_text(write_entry(name, dict.fromkeys(scopes), key))


@keys.command()
def pair() -> None:
    """Print a new KEY:SALT, for CVAE_SIGNING_KEYS of a service and CVAE_SIGNING_KEY of `cvae sign`."""
    files.write_text(f"{secrets.token_hex(PAIR_BYTES)}:{secrets.token_hex(PAIR_BYTES)}")
