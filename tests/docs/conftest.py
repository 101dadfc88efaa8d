"""The service over the shipped bundle."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live import serve


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Host and port."""
    with serve(tmp_path_factory.mktemp("service") / "log") as address:
        yield address
