"""Owns the soak of a service whose models are replaced and whose workers are killed meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import shutil
from collections.abc import Iterator, Mapping

from tests.reliability import soak
from tests.reliability.making import Made, make_references, write_references
from tests.reliability.reloads import SETTINGS, Disturber, add_others, write_versions
from tests.reliability.serving import Service, serve


@contextlib.contextmanager
def serve_disturbed(
    folder: pathlib.Path,
    workers: int,
    settings: Mapping[str, str],
    reloads: int,
    kills: int,
    every: int = 1,
) -> Iterator[tuple[Service, pathlib.Path, Disturber, list[str]]]:
    """Run a service to be disturbed.

    Args:
        folder: For all files.
        workers: Its processes; several, if some are to be killed.
        settings: Further ones.
        reloads: How many.
        kills: How many.
        every: Takes only each so-manieth case.

    Yields:
        The service, the file of references, what disturbs it, and what was wrong at rest.
    """
    versions = old, new = write_versions(folder)
    models = shutil.copytree(old, folder / "models")

    def choose(place: pathlib.Path) -> dict[str, str]:
        return {**settings, **SETTINGS, "CVAE_MODELS_DIR": str(place)}

    with serve(folder, 1, choose(old)) as service:
        made: Made = asyncio.run(make_references(service.port, every))
    with serve(folder, 1, choose(new)) as service:
        references = asyncio.run(add_others(made.references, service.port))
    write_references(references, path := folder / "references")
    with serve(folder, workers, choose(models)) as service:
        yield service, path, Disturber(service, models, versions, reloads, kills), made.faults


def soak_disturbed(
    folder: pathlib.Path, workers: int, settings: Mapping[str, str], plan: soak.Plan, reloads: int, kills: int
) -> soak.Result:
    """Soak a service and disturb it; see `serve_disturbed`."""
    with serve_disturbed(folder, workers, settings, reloads, kills) as (service, path, disturber, faults):
        result = soak.soak(service, path, plan, disturber)
    result.faults[:0] = [f"at rest: {fault}" for fault in faults]
    return result
