"""Owns running a command's work with a client, of a service or of this process, and writing what comes.

Both answer alike, byte for byte, and refuse alike: it is one code, with or without a socket between.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click
import httpx

from service.cli import files
from service.cli.options import Output, Source
from service.client import AsyncClient, CvaeError, File, Retry

T = TypeVar("T")
# Enough for a service to restart; a person who mistyped an address does not wait for the whole timeout.
AWAY_S = 5.0


def run(source: Source, work: Callable[[AsyncClient], Awaitable[T]], *, every: bool = False) -> T:
    """Runs work.

    Args:
        source: Where the model answers.
        work: Gets a client.
        every: Whether all bundles of the folder are loaded, if this process loads any.

    Returns:
        What the work gives.

    Raises:
        click.ClickException: It failed; one line says why.
    """
    try:
        return asyncio.run(_run(source, work, every))
    except (CvaeError, OSError, httpx.InvalidURL) as error:
        raise click.ClickException(str(error)) from error


def write_drawn(output: Output, file: File) -> None:
    """Writes pictures that were drawn from a seed, and names it on stderr where the format does not."""
    files.write(output, file.content)
    if file.seed is not None and output.format != "json":
        click.echo(f"seed {file.seed}", err=True)


async def _run(source: Source, work: Callable[[AsyncClient], Awaitable[T]], every: bool) -> T:
    async with _open(source, every) as client:
        return await work(client)


def _open(source: Source, every: bool) -> contextlib.AbstractAsyncContextManager[AsyncClient]:
    if source.url:
        try:
            return AsyncClient(
                source.url, timeout_s=source.timeout_s, send_deadline=True, retry=Retry(away_s=AWAY_S)
            )
        except ValueError as error:
            raise click.ClickException(str(error)) from error
    # Not at the top: who asks a service needs neither FastAPI nor onnxruntime.
    from service.cli.local import open_here

    return open_here(source, every=every)
