"""The limit that replicas share, counted by a real Redis, which stops and comes again."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest

from service.core.configuration.limits import OnError, Rate
from service.core.errors import StartupError
from service.core.settings import Settings
from service.inference.registry import Registry
from service.security import shared_limit
from service.security.guard import Refusal
from service.security.shared_limit import UNKNOWN, SharedLimit, create_shared_limit
from service.server.app import Application, create_app, create_fast_path
from tests.live import serve
from tests.service.connections.test_forwarded import hold_address, run
from tests.service.security.test_dispatcher import get
from tests.service.wire import connect, play_for_real

RATE = Rate(3, 60, 3)
TARGETS = ("/digits/8?seed=3", "/docs", "/nothing", "/v2/models/fake")


@contextlib.contextmanager
def start_redis(address: str, folder: pathlib.Path) -> Iterator[str]:
    host, port = address.split(":")
    line = ["redis-server", "--bind", host, "--port", port, "--save", "", "--appendonly", "no"]
    with run([*line, "--dir", str(folder)], address, folder / "redis.log"):
        yield f"redis://{address}/0"


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait as long as a busy machine takes."""
    monkeypatch.setattr(shared_limit, "TIMEOUT_S", 10.0)


@pytest.fixture
def address() -> Iterator[str]:
    with hold_address() as held:
        yield held


@pytest.fixture
def redis(address: str, tmp_path: pathlib.Path, patient: None) -> Iterator[str]:  # noqa: ARG001
    with start_redis(address, tmp_path) as url:
        yield url


def build(registry: Registry, url: str, on_error: OnError = "open") -> Application:
    settings = Settings(
        rate_limit="3/min", rate_limit_redis=url, rate_limit_on_error=on_error, playground="off"
    )
    app = create_app(settings, registry)
    app.api.state.registry = registry
    return app


def limit_of(app: Application) -> SharedLimit:
    assert app.guard is not None
    limit = app.guard.checks[-1]
    assert isinstance(limit, SharedLimit)
    return limit


def ask(app: Application, *requests: bytes, fast: bool) -> list[int]:
    async def scene() -> list[bytes]:
        answers: list[bytes] = []
        connection = connect(app, create_fast_path(Settings(), app.direct) if fast else None)
        connection.protocol.client = ("192.0.2.1", 7)
        for request in requests:
            before = len(connection.transport.sent)
            await connection.send(request)
            answers.append((await connection.read(len(answers) + 1))[before:])
        await limit_of(app).close()
        return answers

    return [int(answer.split()[1]) for answer in play_for_real(scene)]


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("target", TARGETS)
def test_replicas_count_together(registry: Registry, redis: str, target: str, fast: bool) -> None:
    first = ask(build(registry, redis), *[get(target)] * 2, get("/health/live"), fast=fast)
    second = ask(build(registry, redis), *[get(target)] * 3, get("/health/live"), fast=fast)
    assert 429 not in [*first, second[0]]
    assert second[1:] == [429, 429, 200]


def test_a_refusal_is_the_same_as_without_redis_and_is_counted(registry: Registry, redis: str) -> None:
    async def scene() -> bytes:
        app = build(registry, redis)
        connection = connect(app, None)
        for count in range(1, 7):
            await connection.send(get("/metrics" if count == 6 else "/models"))
            sent = await connection.read(count)
        await limit_of(app).close()
        return sent

    text = play_for_real(scene).decode()
    assert text.count("HTTP/1.1 429 ") == 2
    assert 'ratelimit-policy: "client";q=3;w=60' in text
    assert 'cvae_refusals_total{reason="rate_limited"} 2.0' in text


@pytest.mark.parametrize("on_error", ["open", "closed"])
def test_a_redis_that_stops_makes_nobody_wait_and_is_heeded_once_it_answers(
    tmp_path: pathlib.Path,
    on_error: OnError,
    monkeypatch: pytest.MonkeyPatch,
    address: str,
    patient: None,  # noqa: ARG001
) -> None:
    monkeypatch.setattr(shared_limit, "AGAIN_S", 0.0)
    limit = create_shared_limit(RATE, f"redis://{address}/0", on_error)

    async def ask_often(times: int) -> list[Refusal | None]:
        return [await limit.ask("192.0.2.1") for _ in range(times)]

    async def scene() -> None:
        failed = [None if on_error == "open" else UNKNOWN] * 4
        assert await ask_often(4) == failed
        with start_redis(address, tmp_path):
            before = await ask_often(4)
            assert [refusal and refusal.status for refusal in before] == [None, None, None, 429]
        assert await ask_often(4) == failed
        with start_redis(address, tmp_path):
            assert [refusal and refusal.status for refusal in await ask_often(4)][3] == 429
            await limit.close()

    asyncio.run(scene())


def test_a_redis_that_says_nothing_is_not_waited_for() -> None:
    asked = 0

    async def scene() -> None:
        nonlocal asked

        async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal asked
            asked += 1
            await reader.read()
            writer.close()

        server = await asyncio.start_server(listen, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        limit = create_shared_limit(RATE, f"redis://127.0.0.1:{port}/0", "closed")
        began = time.monotonic()
        assert await limit.ask("a") == UNKNOWN
        assert shared_limit.TIMEOUT_S * 0.9 <= time.monotonic() - began < 5
        asked = 0
        # Within the second after it, nobody asks.
        limit._asks_again = time.monotonic() + 1000
        for _ in range(1000):
            assert await limit.ask("a") == UNKNOWN
        assert asked == 0
        await limit.close()
        server.close()

    asyncio.run(scene())


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize(("on_error", "status"), [("open", 200), ("closed", 503)])
def test_without_redis_the_service_s_own_limit_holds(
    registry: Registry, address: str, on_error: OnError, status: int, fast: bool
) -> None:
    app = build(registry, f"redis://{address}/0", on_error)
    found = ask(app, *[get("/models")] * 5, get("/health/live"), fast=fast)
    assert found == 3 * [status] + 2 * [429] + [200]


def test_redis_is_not_asked_of_those_who_are_over_the_service_s_own_limit(
    registry: Registry, address: str
) -> None:
    app = build(registry, f"redis://{address}/0")
    limit, asked = limit_of(app), 0

    async def hit(*_: object) -> bool:
        nonlocal asked
        asked += 1
        return True

    limit._limiter = pretend(hit)._limiter
    assert ask(app, *[get("/models")] * 7, fast=True) == 3 * [200] + 4 * [429]
    assert asked == 3


def pretend(hit: Callable[..., Awaitable[bool]], on_error: OnError = "closed") -> SharedLimit:
    """Return a limit that asks a function in place of Redis."""
    limiter: Any = type("Limiter", (), {"hit": staticmethod(hit)})
    pool: Any = None
    return SharedLimit(RATE, limiter, pool, on_error)


def test_no_more_ask_at_once_than_there_are_connections(patient: None) -> None:  # noqa: ARG001
    asking, most = 0, 0

    async def hit(*_: object) -> bool:
        nonlocal asking, most
        asking += 1
        most = max(most, asking)
        await asyncio.sleep(0)
        asking -= 1
        return True

    async def scene() -> None:
        limit = pretend(hit)
        assert await asyncio.gather(*[limit.ask(str(n)) for n in range(300)]) == 300 * [None]

    asyncio.run(scene())
    assert most == shared_limit.MAX_CONNECTIONS


def test_who_has_to_wait_for_his_turn_too_long_does_not_say_that_redis_is_gone(
    monkeypatch: pytest.MonkeyPatch,
    patient: None,  # noqa: ARG001
) -> None:
    monkeypatch.setattr(shared_limit, "TURN_S", 0.0)
    monkeypatch.setattr(shared_limit, "MAX_CONNECTIONS", 1)

    async def scene() -> None:
        answered = asyncio.Event()
        limit = pretend(lambda *_: answered.wait())
        first = asyncio.create_task(limit.ask("first"))
        await asyncio.sleep(0.01)
        assert await limit.ask("second") == UNKNOWN
        assert not limit._broken
        answered.set()
        assert await first is None
        assert await limit.ask("third") is None

    asyncio.run(scene())


def test_while_the_event_loop_is_busy_redis_is_not_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_limit, "TIMEOUT_S", 0.1)

    async def hit(*_: object) -> bool:
        for _turn in range(5):
            time.sleep(0.06)
            await asyncio.sleep(0)
        return True

    assert asyncio.run(pretend(hit).ask("a")) is None


def test_what_was_asked_before_redis_broke_does_not_say_that_it_is_back(
    caplog: pytest.LogCaptureFixture,
    patient: None,  # noqa: ARG001
) -> None:
    async def scene() -> None:
        broken, answered = asyncio.Event(), asyncio.Event()

        async def hit(_: object, client: str) -> bool:
            await (broken if client.startswith("fails") else answered).wait()
            if client.startswith("fails"):
                raise ConnectionError("gone")
            return True

        limit = pretend(hit)
        asked = [asyncio.create_task(limit.ask(f"{kind}{n}")) for n in range(8) for kind in ("fails", "a")]
        await asyncio.sleep(0.01)
        broken.set()
        await asyncio.wait(asked[::2])
        answered.set()
        assert await asyncio.gather(*asked) == 8 * [UNKNOWN, None]
        assert await limit.ask("later") == UNKNOWN
        limit._asks_again = 0.0
        assert [await limit.ask("later") for _ in range(2)] == [None, None]

    asyncio.run(scene())
    assert [record.getMessage().partition(": ")[2] for record in caplog.records] == [
        "no answer: ConnectionError: gone",
        "answers again",
    ]


def test_a_burst_is_counted_in_whole_seconds(redis: str) -> None:
    for rate, amount, window_s in (
        (Rate(100, 1, 100), 100, 1),
        (Rate(1000, 60, 100), 100, 6),
        (Rate(100, 1, 20), 100, 1),
        (Rate(6, 60, 1), 1, 10),
    ):
        item = create_shared_limit(rate, redis, "open")._item
        assert (item.amount, item.get_expiry()) == (amount, window_s)


def test_another_limit_is_counted_anew(redis: str) -> None:
    async def scene() -> None:
        limit = create_shared_limit(RATE, redis, "closed")
        for rate in (RATE, Rate(5, 60, 5), Rate(2, 60, 2)):
            limit.change(rate)
            found = [await limit.ask("192.0.2.1") for _ in range(rate.amount + 1)]
            assert found[:-1] == rate.amount * [None]
            refusal = found[-1]
            assert refusal is not None
            assert refusal.headers is not None
            assert refusal.headers["RateLimit-Policy"] == f'"client";q={rate.amount};w=60'
        await limit.close()

    asyncio.run(scene())


def test_a_url_that_is_none_is_not_repeated() -> None:
    with pytest.raises(StartupError, match=r"^CVAE_RATE_LIMIT_REDIS: expected a URL such as") as caught:
        create_shared_limit(RATE, "http://:secret@host/0", "open")
    assert "secret" not in str(caught.value)


def test_without_the_packages_it_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(StartupError, match=r'needs more packages: pip install "cvae-service\[redis\]"'):
        create_shared_limit(RATE, "redis://127.0.0.1", "open")


@pytest.mark.slow
def test_a_service_asks_redis(tmp_path_factory: pytest.TempPathFactory, redis: str) -> None:
    folder = tmp_path_factory.mktemp("service")
    with serve(folder / "log", CVAE_RATE_LIMIT="5/hour", CVAE_RATE_LIMIT_REDIS=redis) as address:
        url = f"http://{address}/digits/7?seed=3"
        assert [httpx.get(url).status_code for _ in range(3)] == 3 * [200]
        port = redis.rpartition(":")[2].removesuffix("/0")
        subprocess.run(["redis-cli", "-p", port, "shutdown", "nosave"], check=False)
        assert [httpx.get(url).status_code for _ in range(20)] == 2 * [200] + 18 * [429]
    assert "CVAE_RATE_LIMIT_REDIS: no answer" in (folder / "log").read_text()
