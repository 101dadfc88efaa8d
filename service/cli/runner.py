"""Run a command's calls with a client, of a service or of the application in this process.

Both return the same bytes and the same errors, because both are the same application.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click
import httpx

from service.cli import files
from service.cli.extras import describe_missing
from service.cli.options import Source
from service.cli.outputs import Output
from service.client import AsyncClient, CvaeError, File, Retry, UnreachableError
from service.client.transport.proxies import PORTS, is_local

T = TypeVar("T")
# Long enough for a service to restart; shorter than the timeout, for a user who mistyped the URL.
AWAY_S = 5.0
# The port of `cvae serve` without options.
DEFAULT_PORT = 8000


def run(source: Source, work: Callable[[AsyncClient], Awaitable[T]], *, all_bundles: bool = False) -> T:
    """Run calls and return their result.

    Args:
        source: Where the model runs.
        work: Called with the client.
        all_bundles: Whether to load all bundles of the folder, if they run in this process.

    Returns:
        The result of `work`.

    Raises:
        click.ClickException: A call failed.
    """
    try:
        return asyncio.run(_run(source, work, all_bundles))
    except (CvaeError, OSError, httpx.InvalidURL) as error:
        raise click.ClickException(f"{error}{_hint(error, source)}") from error


def write_drawn(output: Output, file: File) -> None:
    """Write pictures drawn from a seed, and name the seed on stderr unless the format holds it."""
    files.write(output, file.content)
    if file.seed is not None and output.format != "json":
        click.echo(f"seed {file.seed}", err=True)


async def _run(source: Source, work: Callable[[AsyncClient], Awaitable[T]], all_bundles: bool) -> T:
    async with _open(source, all_bundles) as client:
        return await work(client)


def _hint(error: Exception, source: Source) -> str:
    if source.url is None or not isinstance(error, UnreachableError) or error.lasting:
        return ""
    if not isinstance(error.__cause__, httpx.ConnectError):
        return ""
    url = httpx.URL(source.url)
    port = url.port or PORTS[url.scheme]
    options = "" if port == DEFAULT_PORT else f" --port {port}"
    if is_local(url.host):
        return f"; start the service with: cvae serve{options}"
    return f"; start the service there with: cvae serve --host 0.0.0.0{options}"


def _open(source: Source, all_bundles: bool) -> contextlib.AbstractAsyncContextManager[AsyncClient]:
    if source.url:
        try:
            return AsyncClient(
                source.url,
                timeout_s=source.timeout_s,
                send_deadline=True,
                retry=Retry(away_s=AWAY_S),
                api_key=source.api_key,
            )
        except ValueError as error:
            raise click.ClickException(str(error)) from error
    # Imported here: a client of a service needs neither FastAPI nor onnxruntime.
    try:
        from service.cli.local import open_local
    except ModuleNotFoundError as error:
        raise click.ClickException(f"{describe_missing(error)}, or ask a service: --url URL") from error
    return open_local(source, all_bundles=all_bundles)
