"""Owns the application in this process: its models without a server, for who has a bundle and no service."""

from __future__ import annotations

import contextlib
import logging
import pathlib
from collections.abc import AsyncIterator

import click
import httpx

from service.bundles.reader import MANIFEST
from service.cli.options import Source
from service.client import AsyncClient, Retry
from service.core.errors import StartupError
from service.core.settings import Settings, load_settings
from service.inference.registry import Registry
from service.server.app import create_app

ADDRESS = "http://here"


@contextlib.asynccontextmanager
async def open_here(source: Source, *, every: bool) -> AsyncIterator[AsyncClient]:
    """Loads what is asked for, and gives a client of it for as long as the context lasts.

    Args:
        source: Names the bundle or the model.
        every: Whether to load all bundles of the folder.

    Raises:
        click.ClickException: A bundle is not there, or does not fit.
    """
    # What fails is said in one line; Python would print the trace of what no handler takes.
    logging.getLogger("service").addHandler(logging.NullHandler())
    try:
        settings = configure(source)
        registry = Registry(settings)
        registry.start(alone=not every)
    except StartupError as error:
        raise click.ClickException(str(error)) from error
    app = create_app(settings, registry)
    async with app.api.router.lifespan_context(app.api):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        once = Retry(away_s=0.0)  # what is not there in this process will not come back
        async with AsyncClient(
            ADDRESS, transport=transport, timeout_s=source.timeout_s, retry=once
        ) as client:
            yield client


def configure(source: Source) -> Settings:
    """Gives the settings of the environment, for what a source asks for.

    Raises:
        StartupError: The environment does not fit.
        click.ClickException: There is no such bundle.
    """
    settings = load_settings()
    folder, name = settings.models_dir, (source.model or "").partition("@")[0] or settings.demanded_model
    if source.bundle:
        # "." has a name too, once it is resolved.
        bundle = pathlib.Path(source.bundle).resolve()
        folder, name = bundle.parent, bundle.name
    if name and not (folder / name / MANIFEST).is_file():
        raise click.ClickException(f"{folder / name}: expected a bundle, a folder that holds {MANIFEST}")
    chosen = {"default_model": name} if name else {}
    deadline_ms = max(1, int(source.timeout_s * 1000))
    return settings.model_copy(update={"models_dir": folder, "deadline_ms": deadline_ms, **chosen})
