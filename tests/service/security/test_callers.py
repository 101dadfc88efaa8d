"""What limits count for: nobody takes the name of a key, and no name is long."""

from __future__ import annotations

import pytest

from service.core.configuration.limits import Rate
from service.core.settings import Settings
from service.fastpath.handler import FastPath
from service.inference.registry import Registry
from service.security.buckets import Buckets
from service.security.callers import LONGEST_ADDRESS, name_caller
from service.server.app import create_app, create_fast_path
from tests.service.security.test_dispatcher import ask, get

KEY = "correct-horse-read"


@pytest.mark.parametrize(
    "address",
    ["192.0.2.1", "2001:db8::1", "fe80::1%eth0", "0000:0000:0000:0000:0000:ffff:192.168.100.228"],
)
def test_an_address_is_its_own_name(address: str) -> None:
    assert name_caller(address) == address


@pytest.mark.parametrize(
    "text", ["", "key:website", "other:0", "unknown", "192.0.2.1:80", "fe80::1%" + 60_000 * "x", "\udcff"]
)
def test_of_all_else_it_is_a_digest(text: str) -> None:
    name = name_caller(text)
    assert name.startswith("other:")
    assert len(name) <= LONGEST_ADDRESS
    assert name == name_caller(text) != name_caller(text + "1")


@pytest.mark.parametrize("way", ["fast path", "ASGI"])
def test_a_client_cannot_spend_what_a_key_may_ask(registry: Registry, way: str) -> None:
    settings = Settings(
        api_keys=f"website:read:{KEY}", rate_limit="2/hour", playground="off", trusted_proxies="*"
    )
    app = create_app(settings, registry)
    app.api.state.registry = registry
    fast: FastPath | None = create_fast_path(settings, app.direct) if way == "fast path" else None
    forged = "key:website"
    strangers = [get("/models", f"x-forwarded-for: {forged}\r\n".encode())] * 4
    # Through ASGI, what uvicorn would have made of the field.
    answers = ask(app, fast, *strangers, client=forged)
    answers += ask(app, fast, *[get("/models", f"x-api-key: {KEY}\r\n".encode())] * 3)
    assert [int(answer.split()[1]) for answer in answers] == [401, 401, 429, 429, 200, 200, 429]


def test_no_long_text_is_remembered(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    tables: list[Buckets] = []

    def create(rate: Rate, table: memoryview | None = None) -> Buckets:
        tables.append(Buckets(rate, table))
        return tables[-1]

    monkeypatch.setattr("service.security.rate_limit.Buckets", create)
    settings = Settings(rate_limit="2/hour", playground="off", trusted_proxies="*")
    app = create_app(settings, registry)
    app.api.state.registry = registry
    long = [get("/models", f"x-forwarded-for: {n}{'x' * 9000}\r\n".encode()) for n in range(9)]
    ask(app, create_fast_path(settings, app.direct), *long)
    (table,) = tables
    assert len(table._places) == 9
    assert max(map(len, table._places)) <= LONGEST_ADDRESS
