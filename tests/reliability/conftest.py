"""References of a service at rest, made once for all slow tests."""

from __future__ import annotations

import asyncio
import pathlib

import pytest

from tests.reliability.making import Made, make_references
from tests.reliability.serving import serve

# Of the cases, each so-manieth: the whole takes a minute.
EVERY = 4


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A part of the references, and what was wrong at rest."""
    folder: pathlib.Path = tmp_path_factory.mktemp("references")
    with serve(folder) as service:
        return asyncio.run(make_references(service.port, EVERY))
