"""`cvae sign`: sign URLs, for a service that answers only signed ones."""

from __future__ import annotations

import re
import time

import click

from service.cli import files
from service.core.url_signature import parse_pair, sign_url

EXAMPLES = """
\b
Examples:
  cvae sign 'https://pictures.example/digits/7.png?seed=3'
  cvae sign --for 7d 'https://pictures.example/digits/7.png?seed=3'
"""
UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
DURATION = re.compile("([1-9][0-9]{0,8})([smhd])")


def read_duration(_context: click.Context, _parameter: click.Parameter, value: str | None) -> int | None:
    """Return the seconds of a duration such as `15m`."""
    if value is None:
        return None
    found = DURATION.fullmatch(value)
    if found is None:
        raise click.BadParameter(f"expected one such as 90s, 15m, 12h or 7d, received {value!r}")
    return int(found[1]) * UNITS_S[found[2]]


@click.command(epilog=EXAMPLES)
@click.option(
    "--key",
    metavar="KEY:SALT",
    envvar="CVAE_SIGNING_KEY",
    required=True,
    help="A pair of the service's; better in CVAE_SIGNING_KEY.",
)
@click.option(
    "--for", "seconds", metavar="TIME", callback=read_duration, help="Valid so long: 90s, 15m, 12h, 7d."
)
@click.option("--until", type=click.IntRange(1), help="Valid until then, in seconds since 1970.")
@click.argument("urls", metavar="URL...", nargs=-1, required=True)
def sign(key: str, seconds: int | None, until: int | None, urls: tuple[str, ...]) -> None:
    """Print URLs with their signature, a line each; no service is asked."""
    if seconds is not None and until is not None:
        raise click.UsageError("expected one of --for and --until, received both")
    expires = int(time.time()) + seconds if seconds is not None else until
    try:
        pair = parse_pair(key)
    except ValueError as error:
        raise click.UsageError(f"--key, CVAE_SIGNING_KEY: {error}") from None
    try:
        files.write_text("\n".join(sign_url(url, pair, expires) for url in urls))
    except ValueError as error:
        raise click.UsageError(f"URL: {error}") from error
