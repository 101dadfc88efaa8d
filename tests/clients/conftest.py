"""The service over the shipped bundles, and what generators make of its schema."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.live import serve


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of the service, where pages of any other address may ask it."""
    with serve(tmp_path_factory.mktemp("service") / "log", CVAE_CORS_ORIGINS="*") as found:
        yield f"http://{found}"


@pytest.fixture(scope="session")
def service(url: str) -> Iterator[httpx.Client]:
    """To compare with."""
    with httpx.Client(base_url=url) as client:
        yield client
