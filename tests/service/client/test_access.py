"""Clients with an API key, and signed URLs, at a service that asks for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from service.client import AsyncClient, Client, RequestError
from service.core.settings import Settings
from service.inference.registry import Registry
from service.server.app import Application, create_app

KEY = "correct-horse-battery"
PAIR = f"{'ab' * 32}:{'cd' * 32}"
BASE = "http://service"


@pytest.fixture(scope="module")
def app(registry: Registry) -> Application:
    app = create_app(Settings(api_keys=KEY, signing_keys=PAIR, cache_bytes=0), registry)
    app.api.state.registry = registry
    return app


def use(app: Application, work: Callable[[AsyncClient], Any], **options: Any) -> Any:
    async def scene() -> Any:
        async with AsyncClient(BASE, transport=httpx.ASGITransport(app), **options) as client:
            return await work(client)

    return asyncio.run(scene())


def fetch(app: Application, url: str) -> int:
    status: int = use(app, lambda client: client.http.get(url)).status_code
    return status


def test_a_client_sends_the_key_it_is_given_or_that_of_the_environment(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert use(app, lambda client: client.models(), api_key=KEY)
    assert use(app, lambda client: client.models(), headers={"X-API-Key": KEY}, api_key="another-key-of-mine")
    with pytest.raises(RequestError, match="needs a signed URL, or an API key") as caught:
        use(app, lambda client: client.models())
    assert caught.value.status == 403
    monkeypatch.setenv("CVAE_API_KEY", KEY)
    assert use(app, lambda client: client.models())
    for wrong, reason in (("", "needs a signed URL"), ("wrong-horse-battery", "none of those")):
        with pytest.raises(RequestError, match=reason) as caught:
            use(app, lambda client: client.models(), api_key=wrong)
        assert "wrong" not in str(caught.value)


def test_both_clients_send_it() -> None:
    for client in (Client(BASE, api_key=KEY), AsyncClient(BASE, api_key=KEY)):
        assert client.http.headers["Authorization"] == f"Bearer {KEY}"
        assert KEY not in repr(client.http.headers)
    assert "authorization" not in Client(BASE).http.headers


@pytest.mark.parametrize("key", ["a b", "a\r\nb: c", "é" * 20])
def test_a_key_that_no_header_takes_is_refused_without_being_told(key: str) -> None:
    with pytest.raises(ValueError, match=r"^api_key, CVAE_API_KEY: expected") as caught:
        Client(BASE, api_key=key)
    assert key not in str(caught.value)


def test_signed_urls_open(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(BASE)
    monkeypatch.setenv("CVAE_SIGNING_KEY", PAIR)
    statuses: dict[str, set[int]] = {}
    for name, options in {
        "unsigned": {},
        "signed": {"sign": PAIR},
        "by the variable": {"sign": True},
        "for long": {"sign": PAIR, "expires": 10**11},
        "over": {"sign": PAIR, "expires": 1},
    }.items():
        urls = client.urls("png", scale=2, **options)  # type: ignore[arg-type]
        for url in (urls.decode([0.5, -1.0]), urls.draw(7, seed=3), urls.interpolate(3, "0.1,-0.4", steps=4)):
            statuses.setdefault(name, set()).add(fetch(app, url))
    assert statuses == {
        "unsigned": {403},
        "signed": {200},
        "by the variable": {200},
        "for long": {200},
        "over": {403},
    }


def test_what_cannot_sign_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CVAE_SIGNING_KEY", raising=False)
    client = Client(BASE)
    with pytest.raises(ValueError, match=r"^CVAE_SIGNING_KEY: expected KEY:SALT"):
        client.urls(sign=True)
    with pytest.raises(ValueError, match=r"^sign: expected KEY:SALT") as caught:
        client.urls(sign="secret")
    assert "secret" not in str(caught.value)
    with pytest.raises(ValueError, match="expires: expected sign with it"):
        client.urls(expires=7)
