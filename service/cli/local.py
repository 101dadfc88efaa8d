"""Run bundles in this process, through the same application as the service, without a server."""

from __future__ import annotations

import contextlib
import logging
import pathlib
from collections.abc import AsyncIterator

import click
import httpx

from service.cli.options import Source
from service.client import AsyncClient, Retry
from service.core.errors import StartupError
from service.core.settings import Settings, load_settings
from service.core.shipped_models.folders import MANIFEST
from service.inference.registry import Registry
from service.security.sources import forget
from service.server.app import create_app

ADDRESS = "http://here"


@contextlib.asynccontextmanager
async def open_local(source: Source, *, all_bundles: bool) -> AsyncIterator[AsyncClient]:
    """Load a bundle, and yield a client of the application in this process.

    Args:
        source: Names the bundle or the model.
        all_bundles: Whether to load all bundles of the folder instead of one.

    Raises:
        click.ClickException: A bundle is missing or invalid.
    """
    # Failures are reported in one line; without a handler, Python prints the records of the log as well.
    logging.getLogger("service").addHandler(logging.NullHandler())
    try:
        settings = configure(source)
        registry = Registry(settings)
        registry.start(alone=not all_bundles)
    except StartupError as error:
        raise click.ClickException(str(error)) from error
    app = create_app(settings, registry)
    async with app.api.router.lifespan_context(app.api):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        no_retry = Retry(away_s=0.0)  # what is missing in this process will not appear
        async with AsyncClient(
            ADDRESS, transport=transport, timeout_s=source.timeout_s, retry=no_retry, api_key=""
        ) as client:
            yield client


def configure(source: Source) -> Settings:
    """Return the environment's settings, with the folder, the default model and the deadline of a source.

    Raises:
        StartupError: An environment variable is invalid.
        click.ClickException: The bundle or the model does not exist.
    """
    # Whoever runs a bundle himself needs no key.
    settings = forget(load_settings()).model_copy(
        update={"deadline_ms": max(1, int(source.timeout_s * 1000))}
    )
    name = (source.model or "").partition("@")[0] or settings.demanded_model
    if source.bundle:
        # Only the resolved path of "." has a name.
        bundle = pathlib.Path(source.bundle).resolve()
        name = bundle.name
        settings = settings.model_copy(update={"models_dir": bundle.parent, "shipped_models": False})
    if name is None:
        return settings
    names = [path.name for path in settings.bundles]
    if name not in names and source.bundle:
        place = (settings.models_dir / name).absolute()
        raise click.ClickException(f"{place}: expected a bundle, a folder that holds {MANIFEST}")
    # Where there is none at all, the registry says so.
    if name not in names and names:
        field = "model" if source.model else "CVAE_DEFAULT_MODEL"
        raise click.ClickException(f"{field}: expected one of {', '.join(names)}, received {name!r}")
    return settings.model_copy(update={"default_model": name})
