"""The fast path against ASGI: the same bytes sent to both, every byte that comes back compared."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import itertools
import re
import time
from typing import Any

import numpy as np
import pytest

from service.batching.batcher import Batcher
from service.batching.context import RequestContext
from service.connections.rejections import RejectedError
from service.core.settings import Settings
from service.fastpath.handler import FastPath
from service.fastpath.head_cache import HeadCache
from service.fastpath.protocol import FastPathProtocol
from service.inference.registry import Registry
from service.server.app import Application, create_app, create_fast_path
from tests.service.wire import connect, play, without_ids

JSON = (b"content-type", b"application/json")
BODY = b'{"z":[0.5,-1.0]}'
SETTINGS = Settings(max_body_bytes=400_000, cache_bytes=0, cors_origins=("https://page.example",))


@dataclasses.dataclass(frozen=True)
class Case:
    """A request; the parts of its body come one after the other."""

    parts: tuple[bytes, ...] = (BODY,)
    headers: tuple[tuple[bytes, bytes], ...] = (JSON,)
    method: str = "POST"
    path: str = "/decode"
    query: bytes = b""
    version: bytes = b"1.1"
    declared: bool = True

    def wire(self) -> list[bytes]:
        """What a client sends, in pieces."""
        target = self.path.encode() + (b"?" + self.query if self.query else b"")
        lines = [b"%b %b HTTP/%b" % (self.method.encode(), target, self.version), b"host: service"]
        lines += [b"%b: %b" % header for header in self.headers]
        if self.declared:
            lines.append(b"content-length: %d" % sum(map(len, self.parts)))
        return [b"\r\n".join(lines) + b"\r\n\r\n" + self.parts[0], *self.parts[1:]]


DIGIT = Case((b"",), (), "GET", "/digits/8", b"seed=3", declared=False)


def digit(**changes: Any) -> Case:
    return dataclasses.replace(DIGIT, **changes)


def url(query: bytes, tag: bytes = b"", **changes: Any) -> Case:
    headers = ((b"if-none-match", tag),) if tag else ()
    return digit(**{"path": "/decode.png", "query": query, "headers": headers, **changes})


CASES = {
    "a vector": Case(),
    "spaces": Case((b' { "z" : [ 0.5 , -1.0 ] } ',)),
    "integers": Case((b'{"z":[1,-2]}',)),
    "exponents": Case((b'{"z":[1e-3,2E0]}',)),
    "the largest": Case((b'{"z":[10000,-10000.0]}',)),
    "denormal": Case((b'{"z":[5e-324,1e-45]}',)),
    "the last of two": Case((b'{"z":[9,9],"z":[0.5,-1.0]}',)),
    "any type is welcome": Case(headers=(JSON, (b"accept", b"*/*"))),
    "pictures are welcome": Case(headers=(JSON, (b"accept", b"image/*"))),
    "png is welcome": Case(headers=(JSON, (b"accept", b"image/png"))),
    "an id": Case(headers=(JSON, (b"x-request-id", b"mine-1"))),
    "an id that is not believed": Case(headers=(JSON, (b"x-request-id", b"a b"))),
    "other headers": Case(headers=(JSON, (b"user-agent", b"x"), (b"accept-language", b"de"))),
    "a trace": Case(headers=(JSON, (b"traceparent", b"00-" + b"1" * 32 + b"-" + b"2" * 16 + b"-01"))),
    "behind a proxy": Case(
        headers=(JSON, (b"x-forwarded-for", b"10.0.0.1"), (b"x-forwarded-proto", b"https"))
    ),
    "in parts": Case((b'{"z":[0.5', b",-1.0", b"]}")),
    "what browsers accept": Case(
        headers=(JSON, (b"accept", b"image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"))
    ),
    "PNG rather than JSON": Case(headers=(JSON, (b"accept", b"application/json;q=0.5, image/png"))),
    "a digit": digit(),
    "a digit in an img tag": digit(
        headers=((b"accept", b"image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"),)
    ),
    "the largest seed": digit(query=b"seed=4294967295"),
    "leading zeros": digit(path="/digits/08", query=b"seed=007"),
    "a digit that is escaped": digit(path="/digits/%38"),
    "a digit by its extension": digit(path="/digits/8.png"),
    "a vector in a URL": url(b"z=0.5,-1.0"),
    "a vector that a script wrote": url(b"z=0.5%2C-1.0"),
    "a vector in a URL, whatever else is wanted": url(
        b"z=0.5,-1.0", headers=((b"accept", b"application/json"),)
    ),
    "a vector of integers": url(b"z=-3,0"),
    "a vector with exponents": url(b"z=-.5e-1,1.E2"),
    "a picture that the client does not have": url(b"z=0.5,-1.0", tag=b'"0"'),
    "several vectors": Case((b'{"z":[[0.5,-1.0],[1,1]]}',)),
    "one vector in a list": Case((b'{"z":[[0.5,-1.0]]}',)),
    "in chunks": Case(
        (b"9\r\n" + BODY[:9] + b"\r\n7\r\n" + BODY[9:] + b"\r\n0\r\n\r\n",),
        (JSON, (b"transfer-encoding", b"chunked")),
        declared=False,
    ),
    "a page elsewhere": Case(headers=(JSON, (b"origin", b"https://page.example"))),
    "a page that may not read it": Case(headers=(JSON, (b"origin", b"https://other.example"))),
    "two origins": Case(headers=(JSON, *[(b"origin", b"https://page.example")] * 2)),
    "HTTP/1.0": Case(version=b"1.0"),
    "a key": Case(headers=(JSON, (b"authorization", b"Bearer x"))),
    "a cookie": Case(headers=(JSON, (b"cookie", b"a=b"))),
    "an encoding": Case(headers=(JSON, (b"content-encoding", b"identity"))),
    "a header that nobody knows": Case(headers=(JSON, (b"x-something", b"1"))),
    "the last of its connection": Case(headers=(JSON, (b"connection", b"close"))),
    "it has a deadline": Case(headers=(JSON, (b"x-request-timeout-ms", b"4000"))),
    "it waits to be asked": Case(headers=(JSON, (b"expect", b"100-continue"))),
    "no length": Case((b"",), declared=False),
    "a model": Case((b'{"z":[0.5,-1.0],"model":"fake"}',)),
    "another model": Case((b'{"z":[0.5,-1.0],"model":"none"}',)),
    "another field": Case((b'{"z":[0.5,-1.0],"seed":1}',)),
    "no field": Case((b"{}",)),
    "a list": Case((b"[0.5,-1.0]",)),
    "a number": Case((b"3",)),
    "null": Case((b'{"z":null}',)),
    "nothing": Case((b"",)),
    "no JSON": Case((b'{"z":',)),
    "not a number": Case((b'{"z":[NaN,0]}',)),
    "infinite": Case((b'{"z":[1e999,0]}',)),
    "beyond 64 bits": Case((b'{"z":[123456789012345678901234567890,0]}',)),
    "too far": Case((b'{"z":[10001,0]}',)),
    "too far below": Case((b'{"z":[-10001,0]}',)),
    "a text": Case((b'{"z":["0.5",0]}',)),
    "true": Case((b'{"z":[true,0]}',)),
    "too many": Case((b'{"z":[1,2,3]}',)),
    "too few": Case((b'{"z":[1]}',)),
    "empty": Case((b'{"z":[]}',)),
    "no UTF-8": Case((b'{"z":[0.5,-1.0],"\xff":1}',)),
    "UTF-16": Case(('{"z":[0.5,-1.0]}'.encode("utf-16"),)),
    "too long": Case((b" " * 400_001,)),
    "longer than the fast path": Case((b'{"z":[0.5,-1.0]' + b" " * 20_000 + b"}",)),
    "no type": Case(headers=()),
    "another type": Case(headers=((b"content-type", b"text/plain"),)),
    "two types": Case(headers=(JSON, JSON)),
    "a type with a parameter": Case(headers=((b"content-type", b"application/json; charset=utf-8"),)),
    "JSON is wanted": Case(headers=(JSON, (b"accept", b"application/json"))),
    "JSON is wanted more": Case(headers=(JSON, (b"accept", b"image/png;q=0.5, application/json"))),
    "nothing there is wanted": Case(headers=(JSON, (b"accept", b"text/html"))),
    "a format": Case(query=b"format=json"),
    "a format that is none": Case(query=b"format=gif"),
    "GET": Case(method="GET"),
    "HEAD": Case(method="HEAD"),
    "OPTIONS": Case(method="OPTIONS"),
    "elsewhere": Case(path="/decode/"),
    "a digit without a seed's number": digit(query=b"seed="),
    "a seed too large": digit(query=b"seed=4294967296"),
    "a seed below 0": digit(query=b"seed=-1"),
    "two seeds": digit(query=b"seed=1&seed=2"),
    "a temperature": digit(query=b"seed=1&temperature=0.5"),
    "a format for a digit": digit(query=b"seed=1&format=json"),
    "a class that is not there": digit(path="/digits/99"),
    "a class that is no number": digit(path="/digits/seven"),
    "a digit in JSON": digit(headers=((b"accept", b"application/json"),)),
    "a digit with a body": digit(parts=(b"x",), declared=True),
    "a digit by POST": Case(path="/digits/8"),
    "a digit as WebP": digit(path="/digits/8.webp"),
    "a digit four times as large": digit(query=b"seed=3&scale=4"),
    "a vector as WebP": url(b"z=0.5,-1.0", path="/decode.webp"),
    "a vector four times as large": url(b"z=0.5,-1.0&scale=4"),
    "two vectors in a URL": url(b"z=0.5,-1.0&z=1,1"),
    "a vector with a plus": url(b"z=+0.5,-1.0"),
    "a vector with a space": url(b"z=0.5,%20-1.0"),
    "a vector that is none": url(b"z=0.5,nan"),
    "a vector with an underscore": url(b"z=1_0,1"),
    "a vector without its end": url(b"z=0.5,"),
    "a vector that is too long": url(b"z=1,2,3"),
    "a vector too far": url(b"z=1,10001"),
    "a vector that is infinite": url(b"z=1,1e999"),
    "no vector": url(b""),
    "a vector in JSON": url(b"z=0.5,-1.0", path="/decode.json"),
    "a vector by HEAD": url(b"z=0.5,-1.0", method="HEAD"),
}


@pytest.fixture(scope="module")
def app(registry: Registry) -> Application:
    app = create_app(SETTINGS, registry)
    app.api.state.registry = registry
    return app


def ask(app: Application, fast: FastPath | None, *cases: Case) -> bytes:
    """Sends requests over one connection, none waiting for the last one's answer; all that comes back."""

    async def scene() -> bytes:
        connection = connect(app, fast)
        if len(cases) == 1:
            await connection.send(*cases[0].wire())
        else:
            await connection.send(b"".join(piece for case in cases for piece in case.wire()))
        return await connection.read(len(cases))

    answer: bytes = play(scene)
    return answer


def open_path(app: Application, settings: Settings = SETTINGS) -> FastPath:
    path = create_fast_path(settings, app.direct)
    assert path is not None
    return path


@pytest.fixture
def fast(app: Application) -> FastPath:
    return open_path(app)


@pytest.fixture
def answered_fast(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one entry for each request that the fast path answers."""
    calls: list[int] = []
    original = FastPathProtocol._enter

    def counted(self: FastPathProtocol, *arguments: Any) -> None:
        calls.append(1)
        original(self, *arguments)

    monkeypatch.setattr(FastPathProtocol, "_enter", counted)
    return calls


def ask_again(app: Application, fast: FastPath | None, case: Case, times: int = 3) -> bytes:
    """Sends a request over one connection, each time after the last answer; all that comes back."""

    async def scene() -> bytes:
        connection = connect(app, fast)
        for i in range(times):
            await connection.send(*case.wire())
            await connection.read(i + 1)
        return connection.transport.sent

    answer: bytes = play(scene)
    return answer


def ask_both(app: Application, fast: FastPath, *cases: Case) -> bytes:
    one, other = ask(app, fast, *cases), ask(app, None, *cases)
    assert without_ids(one) == without_ids(other)
    return one


# What transport a request needs is ASGI's to give; all else the fast path answers, right or wrong.
BESIDE = {
    "in chunks",
    "HTTP/1.0",
    "the last of its connection",
    "it waits to be asked",
    "no length",
    "too long",
    "longer than the fast path",
    "GET",
    "HEAD",
    "OPTIONS",
    "elsewhere",
    "a digit with a body",
    "a digit by POST",
    "a vector by HEAD",
}


@pytest.mark.parametrize("name", CASES)
def test_both_answer_all_kinds_of_requests_alike(
    name: str, app: Application, fast: FastPath, answered_fast: list[int]
) -> None:
    ask_both(app, fast, CASES[name])
    assert answered_fast == ([] if name in BESIDE else [1])


@pytest.mark.parametrize("case", [digit(), digit(path="/digits/8.png"), url(b"z=0.5,-1.0")])
@pytest.mark.parametrize("listed", [b"%b", b"W/%b", b'"0", %b', b"*"])
def test_who_has_the_picture_is_told_so(
    app: Application, fast: FastPath, answered_fast: list[int], case: Case, listed: bytes
) -> None:
    found = re.search(rb"etag: (\S+)", ask(app, None, case))
    assert found is not None
    value = listed % found[1] if b"%" in listed else listed
    asked = dataclasses.replace(case, headers=((b"if-none-match", value),))
    answer = ask_both(app, fast, asked, asked)
    assert answer.count(b"HTTP/1.1 304 ") == 2
    assert len(answered_fast) == 2


@pytest.fixture
def recalled(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one entry for each head that is not parsed again."""
    calls: list[int] = []
    original = HeadCache.recall

    def counted(self: HeadCache, data: bytes) -> Any:
        known = original(self, data)
        calls.extend([1] if known else [])
        return known

    monkeypatch.setattr(HeadCache, "recall", counted)
    return calls


ONCE = {"HTTP/1.0", "the last of its connection"}
# Whose heads are not kept: in several parts, with an id that will not come again, or with an escape.
PARSED = {
    *("in parts", "an id", "an id that is not believed", "behind a proxy"),
    *("a digit that is escaped", "a picture that the client does not have"),
}


@pytest.mark.parametrize("name", sorted(CASES.keys() - ONCE))
def test_a_head_that_is_known_is_answered_as_at_first(
    name: str, app: Application, fast: FastPath, recalled: list[int]
) -> None:
    case = CASES[name]
    assert without_ids(ask_again(app, fast, case)) == without_ids(ask_again(app, None, case))
    parsed = name in BESIDE | PARSED
    assert len(recalled) == (0 if parsed else 2)


def test_a_known_head_may_have_another_body(app: Application, fast: FastPath, recalled: list[int]) -> None:
    bodies = [
        b'{"z":[0.5,-1.0]}',
        b'{"z":[1.5,-1.0]}',
        b'{"z":["x",0.12]}',
        b'{"y":[0.5,-1.0]}',
        b'{"z":[0.5,-1.0]}',
    ]

    async def scene(fast: FastPath | None) -> bytes:
        connection = connect(app, fast)
        for i, body in enumerate(bodies):
            await connection.send(*Case((body,)).wire())
            await connection.read(i + 1)
        return connection.transport.sent

    assert without_ids(play(lambda: scene(fast))) == without_ids(play(lambda: scene(None)))
    assert len(recalled) == 4


def test_a_known_head_may_have_another_tag(app: Application, fast: FastPath, recalled: list[int]) -> None:
    queries = b"z=0.5,-1.0", b"z=1,1"
    found = [re.search(rb"etag: (\S+)", ask(app, None, url(query))) for query in queries]
    tags = [match[1] for match in found if match]
    cases = [url(query, tag=tag) for query in queries for tag in tags]

    async def scene(fast: FastPath | None) -> bytes:
        connection = connect(app, fast)
        for i, case in enumerate(cases):
            await connection.send(*case.wire())
            await connection.read(i + 1)
        return connection.transport.sent

    answers = without_ids(play(lambda: scene(fast)))
    assert answers == without_ids(play(lambda: scene(None)))
    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"304", b"200", b"200", b"304"]
    assert len(recalled) == 3


def test_heads_do_not_mix_where_bodies_are_equal(app: Application, fast: FastPath) -> None:
    ask(app, fast, known := Case())
    other = Case(headers=(JSON, (b"accept", b"application/json")))
    third = Case(headers=(JSON, (b"accept", b"image/png")))

    async def scene(fast: FastPath | None) -> bytes:
        connection = connect(app, fast)
        for i, case in enumerate((other, known, other, third, known, third, other)):
            await connection.send(*case.wire())
            await connection.read(i + 1)
        return connection.transport.sent

    assert without_ids(play(lambda: scene(fast))) == without_ids(play(lambda: scene(None)))


@pytest.mark.parametrize("seed", range(40))
def test_wherever_the_stream_is_cut_the_answers_are_the_same(
    seed: int, app: Application, fast: FastPath
) -> None:
    random = np.random.RandomState(seed)
    names = sorted(CASES.keys() - ONCE - {"an id", "too long"})
    cases = [Case(), digit(), *(CASES[names[i]] for i in random.randint(0, len(names), 6))]
    stream = b"".join(piece for case in cases for piece in case.wire())
    cuts = sorted({0, len(stream), *random.randint(0, len(stream), 8).tolist()})
    # Some cuts fall between two requests, where a head may be recalled.
    ends = np.cumsum([sum(map(len, case.wire())) for case in cases]).tolist()
    cuts = sorted({*cuts, *(end for end in ends if random.rand() < 0.7)})
    pieces = [stream[a:b] for a, b in itertools.pairwise(cuts)]

    async def scene(fast: FastPath | None) -> bytes:
        connection = connect(app, fast)
        for piece in pieces:
            connection.protocol.data_received(piece)
            for _ in range(int(random.randint(0, 8))):
                await asyncio.sleep(0)
        return await connection.read(len(cases))

    assert without_ids(play(lambda: scene(fast))) == without_ids(play(lambda: scene(None)))


def test_what_follows_a_known_head_s_request_waits_its_turn(
    app: Application, fast: FastPath, recalled: list[int]
) -> None:
    slow = b"".join(Case(path="/health/live", method="GET", headers=()).wire())

    async def scene(fast: FastPath | None) -> bytes:
        connection = connect(app, fast)
        await connection.send(*Case().wire())
        await connection.read()
        for piece in (Case().wire()[0], slow, Case().wire()[0]):
            connection.protocol.data_received(piece)
        return await connection.read(4)

    assert without_ids(play(lambda: scene(fast))) == without_ids(play(lambda: scene(None)))
    assert len(recalled) == 1


def test_errors_after_a_known_head_are_the_usual_ones(
    app: Application, fast: FastPath, registry: Registry, monkeypatch: pytest.MonkeyPatch, recalled: list[int]
) -> None:
    async def scene() -> bytes:
        connection = connect(app, fast)
        await connection.send(*Case().wire())
        await connection.read()
        with monkeypatch.context() as full:
            full.setattr(registry.get()._decoder, "waiting_rows", 4096)
            await connection.send(*Case().wire())
            await connection.read(2)
        with monkeypatch.context() as late:
            late.setattr(registry, "open_call", lambda _=None: RequestContext(0.0))
            await connection.send(*Case().wire())
            await connection.read(3)
        await connection.send(*Case().wire())
        return await connection.read(4)

    assert re.findall(rb"HTTP/1.1 (\d+)", play(scene)) == [b"200", b"429", b"504", b"200"]
    assert len(recalled) == 3


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one entry for each batch that runs."""
    ran: list[int] = []
    original = Batcher._call

    def counted(self: Batcher, shares: Any) -> Any:
        ran.append(1)
        return original(self, shares)

    monkeypatch.setattr(Batcher, "_call", counted)
    return ran


@pytest.mark.parametrize("end", ["goes", "stops"])
def test_a_connection_that_ends_after_a_known_head_leaves_nothing(
    end: str, app: Application, fast: FastPath, registry: Registry, recalled: list[int], batches: list[int]
) -> None:
    async def scene() -> None:
        connection = connect(app, fast)
        await connection.send(*Case().wire())
        before = await connection.read()
        connection.protocol.data_received(Case().wire()[0])
        if end == "goes":
            connection.protocol.connection_lost(None)
            await asyncio.sleep(0.01)
            assert connection.transport.sent == before
        else:
            connection.protocol.shutdown()
            answer = (await connection.read(2)).removeprefix(before)
            assert answer.startswith(b"HTTP/1.1 200 ")
            assert b"\r\nconnection: close\r\n" in answer
            assert connection.transport.closed

    play(scene)
    assert len(recalled) == 1
    assert len(batches) == (1 if end == "goes" else 2)
    assert registry.get()._decoder.waiting_rows == 0


def test_it_keeps_no_more_heads_than_it_may(
    app: Application, fast: FastPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.fastpath.head_cache.MAX_HEADS", 4)
    for i in range(10):
        ask(app, fast, Case(headers=(JSON, (b"user-agent", b"%d" % i))))
        assert 0 < len(fast.heads._heads) <= 4
    before = len(fast.heads._heads)
    ask(app, fast, Case(headers=(JSON, (b"user-agent", b"x" * 5000))))
    assert len(fast.heads._heads) == before


def counts(app: Application) -> dict[str, float]:
    """How many requests of each route and status were answered."""
    text = app.api.state.metrics.render()[0].decode()
    found = re.findall(r"^cvae_request_duration_seconds_count(\{.*\}) (.*)$", text, re.MULTILINE)
    return {labels: float(number) for labels, number in found}


COUNTED = ("a vector", "a vector in a URL", "a digit", "a digit by its extension", "too far")


@pytest.mark.parametrize(
    "case",
    [*(CASES[name] for name in COUNTED), CASES["a class that is not there"], url(b"z=0,0", tag=b"*")],
)
def test_both_count_the_same(case: Case, app: Application, fast: FastPath) -> None:
    before = counts(app)
    ask(app, fast, case)
    between = counts(app)
    ask(app, None, case)
    after = counts(app)
    changed = {labels for labels in after if after[labels] != before.get(labels, 0)}
    assert len(changed) == 1
    assert all(
        between[labels] - before.get(labels, 0) == after[labels] - between[labels] == 1 for labels in changed
    )


def test_both_draw_the_same_bytes_for_any_vector(app: Application, fast: FastPath) -> None:
    for z in np.random.RandomState(0).normal(0, 2, (20, 2)):
        ask_both(app, fast, Case((b'{"z":[%r,%r]}' % (z[0].item(), z[1].item()),)))


def test_many_in_one_batch_get_their_own(app: Application, fast: FastPath, registry: Registry) -> None:
    cases = [Case((b'{"z":[%d,%d]}' % (i, -i),)) for i in range(7)]
    cases += [url(b"z=%d,1" % i) for i in range(7)] + [digit(query=b"seed=%d" % i) for i in range(7)]
    sizes: list[int] = []
    batcher = registry.get()._decoder
    run = batcher.run

    def noted(rows: Any) -> Any:
        sizes.append(len(rows))
        return run(rows)

    async def scene() -> list[bytes]:
        connections = [connect(app, fast) for _ in cases]
        for connection, case in zip(connections, cases, strict=True):
            connection.protocol.data_received(b"".join(case.wire()))
        # Three rows of the ASGI way ride along.
        other = connect(app, None)
        await other.send(*Case((b'{"z":[[1,2],[3,4],[5,6]]}',)).wire())
        return [await connection.read() for connection in connections]

    batcher.run = noted
    try:
        together = play(scene)
    finally:
        batcher.run = run
    assert max(sizes) > 7
    for case, answer in zip(cases, together, strict=True):
        assert without_ids(answer) == without_ids(ask(app, None, case))


@pytest.mark.parametrize("order", ["ff", "fs", "sf", "fsf", "sfs", "ffff"])
def test_answers_come_in_the_order_of_the_requests(order: str, app: Application, fast: FastPath) -> None:
    cases = [
        Case((b'{"z":[%d,0]}' % i,), (JSON, (b"x-request-id", b"number-%d" % i)))
        if kind == "f"
        else Case(path="/health/live", method="GET", headers=((b"x-request-id", b"number-%d" % i),))
        for i, kind in enumerate(order)
    ]
    answer = ask_both(app, fast, *cases)
    assert re.findall(rb"number-(\d)", answer) == [b"%d" % i for i in range(len(order))]


def test_a_full_queue_is_429_with_when_to_come_again(
    app: Application, fast: FastPath, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry.get()._decoder, "waiting_rows", 4096)
    answer = ask_both(app, fast, Case())
    assert answer.startswith(b"HTTP/1.1 429 ")
    assert re.search(rb"\r\nretry-after: \d+\r\n", answer)


def test_a_deadline_that_passed_is_504(
    app: Application, fast: FastPath, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "open_call", lambda _=None: RequestContext(0.0))
    labels = '{route="/decode",status="504"}'
    before = counts(app).get(labels, 0)
    assert ask_both(app, fast, Case()).startswith(b"HTTP/1.1 504 ")
    assert counts(app)[labels] == before + 2


def test_a_service_that_stops_is_503(
    app: Application, fast: FastPath, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry.get()._decoder, "_thread", None)
    assert ask_both(app, fast, Case()).startswith(b"HTTP/1.1 503 ")


def test_a_model_that_fails_is_500_and_says_nothing_of_why(
    app: Application,
    fast: FastPath,
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(_: Any) -> Any:
        raise RuntimeError("out of luck")

    monkeypatch.setattr(registry.get()._decoder, "run", fail)
    answer = ask_both(app, fast, Case())
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"luck" not in answer
    assert caplog.text.count("RuntimeError: out of luck") == 2


def test_an_answer_that_cannot_be_made_is_500(
    app: Application, fast: FastPath, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> Any:
        raise RuntimeError("out of ink")

    monkeypatch.setattr("service.api.responses.write", fail)
    answer = ask_both(app, fast, Case())
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"application/problem+json" in answer
    assert caplog.text.count("RuntimeError: out of ink") == 2


def test_a_client_that_goes_takes_its_rows_from_the_queue(
    app: Application, fast: FastPath, registry: Registry, batches: list[int]
) -> None:
    batcher, gone = registry.get()._decoder, '{route="/decode",status="499"}'
    before = counts(app).get(gone, 0)

    async def scene() -> None:
        connection = connect(app, fast)
        connection.protocol.data_received(Case().wire()[0])
        assert batcher.waiting_rows == 1
        connection.protocol.connection_lost(None)
        await asyncio.sleep(0.01)
        assert connection.transport.sent == b""

    play(scene)
    assert batcher.waiting_rows == 0
    assert batches == []
    assert counts(app)[gone] == before + 1


@pytest.mark.parametrize("end", ["goes", "breaks"])
def test_a_body_that_never_comes_whole_leaves_nothing_and_is_counted(
    end: str, app: Application, fast: FastPath, registry: Registry
) -> None:
    async def scene(path: FastPath | None) -> None:
        connection = connect(app, path)
        await connection.send(Case().wire()[0][:-5])
        if end == "goes":
            connection.protocol.connection_lost(None)
        else:
            connection.protocol.reject(RejectedError(408, "body", "a further piece", "none"))
        await asyncio.sleep(0.01)
        assert connection.transport.sent.count(b"HTTP/1.1 408 ") == (end == "breaks")

    gone = '{route="/decode",status="499"}'
    for path in (fast, None):
        before = counts(app).get(gone, 0)
        play(functools.partial(scene, path))
        assert counts(app)[gone] == before + 1
    assert registry.get()._decoder.waiting_rows == 0


def test_bodies_that_are_waited_for_together_have_a_limit(registry: Registry) -> None:
    settings = Settings(max_held_body_bytes=18, cache_bytes=0)
    limited = create_app(settings, registry)
    limited.api.state.registry = registry
    bodies = limited.direct.bodies
    request = Case().wire()[0]

    async def scene(path: FastPath | None) -> list[bytes]:
        first, second, third = (connect(limited, path) for _ in range(3))
        await first.send(request[:-6], request[-6:-4])
        await second.send(request[:-9])
        refused = await second.read()
        await third.send(request[:-11])
        await asyncio.sleep(0.01)
        assert bodies.held_bytes == 12 + 5
        third.protocol.connection_lost(None)
        await first.send(request[-4:])
        answers = [refused, await first.read()]
        await asyncio.sleep(0.01)
        assert bodies.held_bytes == 0
        return answers

    refused, answer = play(functools.partial(scene, open_path(limited, settings)))
    assert refused.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nretry-after: 1\r\n" in refused
    assert answer.startswith(b"HTTP/1.1 200 ")
    by_asgi = play(functools.partial(scene, None))
    assert [without_ids(one) for one in by_asgi] == [without_ids(refused), without_ids(answer)]


def test_a_server_that_stops_meanwhile_answers_and_closes(app: Application, fast: FastPath) -> None:
    async def scene() -> None:
        connection = connect(app, fast)
        connection.protocol.data_received(Case().wire()[0])
        connection.protocol.shutdown()
        answer = await connection.read()
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"\r\nconnection: close\r\n" in answer
        assert connection.transport.closed

    play(scene)


@pytest.mark.parametrize("known", [False, True])
def test_a_client_that_does_not_read_is_answered_through_asgi(
    known: bool, app: Application, fast: FastPath, answered_fast: list[int]
) -> None:
    async def scene() -> None:
        connection, before = connect(app, fast), b""
        if known:
            await connection.send(Case().wire()[0])
            before = await connection.read()
            answered_fast.clear()
        connection.protocol.pause_writing()
        await connection.send(Case().wire()[0])
        await asyncio.sleep(0.05)
        assert connection.transport.sent == before
        connection.protocol.resume_writing()
        await connection.read(2 if known else 1)

    play(scene)
    assert answered_fast == []


def test_a_body_is_refused_by_the_limit_though_it_would_be_answered_fast(
    registry: Registry, app: Application, answered_fast: list[int]
) -> None:
    settings = Settings(max_body_bytes=len(BODY) - 1)
    small = create_app(settings, registry)
    small.api.state.registry = registry
    fast = open_path(small, settings)
    assert ask_both(small, fast, Case()).startswith(b"HTTP/1.1 413 ")
    assert answered_fast == []
    settings = Settings(max_body_bytes=len(BODY))
    assert ask(app, open_path(app, settings), Case()).startswith(b"HTTP/1.1 200 ")
    assert answered_fast == [1]


def test_an_answer_s_time_is_counted_from_its_head(app: Application, fast: FastPath) -> None:
    def seconds() -> float:
        text = app.api.state.metrics.render()[0].decode()
        return sum(
            float(line.split()[1])
            for line in text.splitlines()
            if line.startswith("cvae_request_duration_seconds_sum")
        )

    for way in (fast, None):
        before, began = seconds(), time.perf_counter()
        ask(app, way, Case())
        assert 0 < seconds() - before < time.perf_counter() - began


def test_an_answer_says_how_long_it_took_to_write(app: Application, fast: FastPath) -> None:
    for way in (fast, None):
        began = time.perf_counter()
        found = re.search(rb"encode;dur=([0-9.]+)", ask(app, way, Case()))
        assert found is not None
        assert 0 < float(found[1]) < (time.perf_counter() - began) * 1e3


def test_of_pipelined_requests_only_the_first_is_answered_at_once(app: Application, fast: FastPath) -> None:
    live = b"".join(Case(path="/health/live", method="GET", headers=(), parts=(b"",), declared=False).wire())

    async def scene() -> None:
        connection = connect(app, fast)
        seen = 0
        connection.protocol.data_received(live * 5)
        for _ in range(20):
            now = connection.transport.sent.count(b"HTTP/1.1 200 ")
            assert now - seen <= 1
            seen = now
            await asyncio.sleep(0)
        assert seen == 5

    play(scene)
