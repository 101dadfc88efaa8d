from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from service.observability.metrics import BEGUN, ROUTE, Metrics, MetricsMiddleware


async def refuse(*_: Any) -> Any:
    raise AssertionError("nobody reads here")


def measure(app: Any, **scope: Any) -> tuple[str, float]:
    """The status and seconds of one request, as they are counted."""
    metrics = Metrics()

    async def send(_: Any) -> None:
        pass

    asyncio.run(MetricsMiddleware(app, metrics)({"type": "http", ROUTE: "/", **scope}, refuse, send))
    (line,) = (line for line in metrics.render()[0].decode().splitlines() if "_sum{" in line)
    return line.split('status="')[1].split('"')[0], float(line.split()[1])


async def answer(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204})


def test_an_answer_takes_from_its_requests_head_to_its_end() -> None:
    async def slow(*arguments: Any) -> None:
        await answer(*arguments)
        await asyncio.sleep(0.03)

    status, seconds = measure(slow)
    assert status == "204"
    assert 0.03 <= seconds < 5


def test_a_head_that_came_before_is_where_it_begins() -> None:
    # As the protocol notes it, for a request whose body came later.
    _, seconds = measure(answer, **{BEGUN: time.perf_counter() - 100})
    assert seconds == pytest.approx(100, abs=5)


def test_a_failure_is_counted_too() -> None:
    metrics = Metrics()

    async def fail(*_: Any) -> None:
        raise ZeroDivisionError("a fault of ours")

    with pytest.raises(ZeroDivisionError):
        asyncio.run(MetricsMiddleware(fail, metrics)({"type": "http", ROUTE: "/"}, refuse, refuse))
    assert b'_count{route="/",status="500"} 1.0' in metrics.render()[0]


def test_what_is_no_request_is_not_counted() -> None:
    metrics = Metrics()
    seen: list[str] = []

    async def app(scope: Any, *_: Any) -> None:
        seen.append(scope["type"])

    asyncio.run(MetricsMiddleware(app, metrics)({"type": "lifespan"}, refuse, refuse))
    assert seen == ["lifespan"]
    assert b"_count{" not in metrics.render()[0]
