"""The service over the shipped bundles, as processes of their own on free ports."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live import serve


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Host and port."""
    with serve(tmp_path_factory.mktemp("service") / "log") as found:
        yield found


@pytest.fixture(scope="session")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Host and port of one that waits for a slow machine, and draws nothing that takes long."""
    settings = {"CVAE_DEADLINE_MS": "60000", "CVAE_MAX_OUTPUT_PIXELS": "4000000"}
    with serve(tmp_path_factory.mktemp("patient") / "log", **settings) as found:
        yield found
