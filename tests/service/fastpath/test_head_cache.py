from __future__ import annotations

from typing import Any

import pytest

from service.fastpath.head_cache import IDENTIFYING, MAX_HEAD_BYTES, HeadCache
from service.http.header_fields import FIELDS as JOINED

HEAD = b"POST /decode HTTP/1.1\r\nhost: a\r\ncontent-length: 2"
BODY = b"{}"
DATA = HEAD + b"\r\n\r\n" + BODY


def scope(*headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"method": "POST", "path": "/decode", "headers": [(b"host", b"a"), *headers]}


@pytest.fixture
def heads() -> HeadCache:
    heads = HeadCache()
    heads.learn(DATA, scope(), BODY)
    return heads


def test_a_head_that_came_before_is_known_with_another_body(heads: HeadCache) -> None:
    assert heads.recall(DATA) == (scope(), BODY)
    assert heads.recall(HEAD + b"\r\n\r\n[]") == (scope(), b"[]")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HEAD,
        HEAD + b"\r\n\r\n",
        DATA[:-1],
        DATA + b"G",
        DATA + DATA,
        HEAD.replace(b"/decode", b"/sample") + b"\r\n\r\n" + BODY,
        HEAD.replace(b"host", b"Host") + b"\r\n\r\n" + BODY,
        b"\r\n" + DATA,
    ],
)
def test_anything_else_is_the_parsers(heads: HeadCache, data: bytes) -> None:
    assert heads.recall(data) is None


def test_what_is_done_to_a_scope_changes_none_that_comes_later(heads: HeadCache) -> None:
    known = heads.recall(DATA)
    assert known is not None
    known[0]["path"] = "/other"
    known[0]["headers"].append((b"x", b"y"))
    known[0]["state"] = {}
    assert heads.recall(DATA) == (scope(), BODY)


def test_what_is_done_to_the_scope_that_was_learnt_changes_nothing() -> None:
    heads, first = HeadCache(), scope()
    heads.learn(DATA, first, BODY)
    first["path"] = "/other"
    assert heads.recall(DATA) == (scope(), BODY)


@pytest.mark.parametrize("rest", [b"{", b"{}G", b""])
def test_a_head_that_did_not_come_with_just_its_body_is_not_kept(rest: bytes) -> None:
    heads = HeadCache()
    heads.learn(HEAD + b"\r\n\r\n" + rest, scope(), BODY)
    assert heads.recall(DATA) is None


@pytest.mark.parametrize("name", sorted(IDENTIFYING))
def test_a_head_that_will_not_come_again_is_not_kept(name: bytes) -> None:
    heads = HeadCache()
    heads.learn(DATA, scope((name, b"1")), BODY)
    assert heads.recall(DATA) is None


@pytest.mark.parametrize(("size", "kept"), [(MAX_HEAD_BYTES, True), (MAX_HEAD_BYTES + 1, False)])
def test_a_long_head_is_not_kept(size: int, kept: bool) -> None:
    heads, data = HeadCache(), HEAD.ljust(size, b"x") + b"\r\n\r\n" + BODY
    heads.learn(data, scope(), BODY)
    assert (heads.recall(data) is not None) == kept


def test_where_too_many_are_known_all_are_forgotten(
    heads: HeadCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.fastpath.head_cache.MAX_HEADS", 2)
    others = [b"POST /%d HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}" % i for i in range(2)]
    heads.learn(others[0], scope(), BODY)
    assert heads.recall(DATA) is not None
    heads.learn(others[1], scope(), BODY)
    assert heads.recall(DATA) is heads.recall(others[0]) is None
    assert heads.recall(others[1]) is not None


FIELDS = b"host: a\r\naccept: */*"


def get(target: bytes, fields: bytes = FIELDS, version: bytes = b"1.1") -> bytes:
    return b"GET %b HTTP/%b\r\n%b\r\n\r\n" % (target, version, fields)


def get_scope(target: str, root_path: str = "") -> dict[str, Any]:
    path, _, query = target.partition("?")
    own = {"path": path, "raw_path": path.encode(), "query_string": query.encode()}
    return {**scope(), "method": "GET", "root_path": root_path, **own}


@pytest.fixture
def gets() -> HeadCache:
    heads = HeadCache()
    heads.learn(get(b"/first?a=1"), get_scope("/first?a=1"), b"")
    return heads


@pytest.mark.parametrize(
    "target", ["/", "/decode.png?z=0.5,-1.0&scale=4", "/digits/7.png", "/a//b/?", "/a?from=digit:3&b=%2C%zz"]
)
def test_the_header_lines_of_a_get_are_known_with_another_target(gets: HeadCache, target: str) -> None:
    for _ in range(2):
        assert gets.recall(get(target.encode())) == (get_scope(target), b"")


@pytest.mark.parametrize(
    "target",
    ["//a", "/%61", "/a b", "/a#b", "/a?b#c", "/a?b?c", "*", "http://a/b", "/\xff", "/a?\xff", "", "a"],
)
def test_a_target_that_needs_a_parser_is_the_parsers(gets: HeadCache, target: str) -> None:
    assert gets.recall(get(target.encode("latin-1"))) is None
    learnt = HeadCache()
    learnt.learn(get(target.encode("latin-1")), get_scope(target), b"")
    assert learnt.recall(get(b"/")) is None


@pytest.mark.parametrize(
    "data",
    [
        get(b"/", version=b"1.0"),
        get(b"/").replace(b"GET", b"HEAD"),
        get(b"/").replace(b"GET", b"get"),
        get(b"/").replace(b"GET ", b"GET  "),
        get(b"/", b"host: b\r\naccept: */*"),
        get(b"/", b"host: a"),
        get(b"/") + b"G",
        get(b"/")[:-1],
        get(b"/", b""),
    ],
)
def test_any_other_get_is_the_parsers(gets: HeadCache, data: bytes) -> None:
    assert gets.recall(data) is None


def test_a_get_under_a_root_path_is_not_kept() -> None:
    heads = HeadCache()
    heads.learn(get(b"/"), get_scope("/", root_path="/cvae"), b"")
    assert heads.recall(get(b"/")) is None


def test_a_get_with_too_long_a_target_is_the_parsers() -> None:
    short, long = get(b"/"), get(b"/" + b"x" * 100)
    heads = HeadCache(len(long) - 5)
    heads.learn(short, get_scope("/"), b"")
    assert heads.recall(short) is not None
    assert heads.recall(long) is None
    assert heads.recall(long.replace(b"x", b"", 1)) is not None


def trace(number: int) -> bytes:
    return b"00-%032x-%016x-01" % (number, number)


def traced(data: bytes, line: bytes) -> bytes:
    """A request with a further header line behind its first."""
    return data.replace(b"host: a", b"host: a" + line)


def traced_scope(base: dict[str, Any], value: bytes) -> dict[str, Any]:
    headers = [*base["headers"], (b"traceparent", value), (b"accept", b"*/*")]
    return {**base, "headers": headers, JOINED: dict(headers)}


@pytest.mark.parametrize("kind", ["GET", "POST"])
def test_a_traced_clients_head_is_known_with_another_parent(kind: str) -> None:
    data = get(b"/a") if kind == "GET" else DATA
    base = get_scope("/a") if kind == "GET" else scope()
    heads = HeadCache()
    heads.learn(
        traced(data, b"\r\ntraceparent: " + trace(1)),
        traced_scope(base, trace(1)),
        b"" if kind == "GET" else BODY,
    )
    for number in (2, 1, 3):
        known = heads.recall(traced(data, b"\r\ntraceparent: " + trace(number)))
        assert known is not None
        assert known[0] == traced_scope(base, trace(number))
    assert heads.recall(data) is None  # without one, it is another head


@pytest.mark.parametrize(
    "line",
    [
        b"\r\ntraceparent: " + trace(2)[:-1],
        b"\r\ntraceparent: " + trace(2) + b"0",
        b"\r\ntraceparent: " + trace(2)[:-1] + b" ",
        b"\r\ntraceparent: " + trace(2)[:-1] + b"\n",
        b"\r\ntraceparent:" + trace(2),
        b"\r\nTraceparent: " + trace(2),
        b"\r\nx-traceparent: " + trace(2),
        b"\r\ntraceparent: ",
        b"\r\ntraceparent: " + trace(2) + b"\r\ntraceparent: " + trace(3),
        b"\r\ntraceparent: " + trace(2) + b"\r\ntracestate: a=1",
    ],
)
def test_any_other_spelling_of_it_is_the_parsers(line: bytes) -> None:
    heads = HeadCache()
    heads.learn(
        traced(get(b"/a"), b"\r\ntraceparent: " + trace(1)), traced_scope(get_scope("/a"), trace(1)), b""
    )
    assert heads.recall(traced(get(b"/a"), b"\r\ntraceparent: " + trace(2))) is not None
    assert heads.recall(traced(get(b"/a"), line)) is None


@pytest.mark.parametrize(
    "more", [(b"traceparent", trace(2)), (b"tracestate", b"a=1"), (b"x-request-id", b"1")]
)
def test_beside_what_identifies_a_request_it_is_not_kept(more: tuple[bytes, bytes]) -> None:
    data = traced(DATA, b"\r\ntraceparent: " + trace(1) + b"\r\n%b: %b" % more)
    base = traced_scope(scope(), trace(1))
    heads = HeadCache()
    heads.learn(data, {**base, "headers": [*base["headers"], more]}, BODY)
    assert heads.recall(data) is None
    assert not heads._heads


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_long_head_is_left_to_the_parser_with_its_trace(method: str) -> None:
    data = get(b"/a") if method == "GET" else DATA
    line = b"\r\ntraceparent: " + trace(1)
    whole = traced(data, line)
    size = len(whole.partition(b"\r\n\r\n")[0])
    base = get_scope("/a") if method == "GET" else scope()
    body = b"" if method == "GET" else BODY
    for most, kept in ((size, True), (size - 1, False)):
        heads = HeadCache(most)
        heads.learn(whole, traced_scope(base, trace(1)), body)
        assert (heads.recall(whole) is not None) == kept
    if method == "GET":
        heads = HeadCache(size)
        heads.learn(whole, traced_scope(base, trace(1)), body)
        assert heads.recall(whole.replace(b"GET /a", b"GET /ab")) is None


def tag(number: int) -> bytes:
    return b'"%032x"' % number


def held(line: bytes, number: int) -> tuple[bytes, dict[str, Any]]:
    """The request of a client that has a picture, and its scope."""
    base = get_scope(f"/{number}")
    headers = [*base["headers"], (b"if-none-match", tag(number)), (b"accept", b"*/*")]
    data = traced(get(b"/%d" % number), line + tag(number))
    return data, {**base, "headers": headers, JOINED: dict(headers)}


@pytest.mark.parametrize("line", [b"\r\nIf-None-Match: ", b"\r\nif-none-match: "])
def test_the_head_of_a_client_that_has_a_picture_is_known_with_another_tag(line: bytes) -> None:
    heads = HeadCache()
    heads.learn(*held(line, 1), b"")
    for number in (2, 1, 3):
        data, made = held(line, number)
        assert heads.recall(data) == (made, b"")
    assert heads.recall(get(b"/a")) is None


def test_a_traced_client_that_has_a_picture_is_known_too() -> None:
    heads = HeadCache()
    for number in (1, 2):
        data, made = held(b"\r\ntraceparent: " + trace(number) + b"\r\nif-none-match: ", number)
        made["headers"].insert(1, (b"traceparent", trace(number)))
        made[JOINED] = dict(made["headers"])
        if number == 1:
            heads.learn(data, made, b"")
        assert heads.recall(data) == (made, b"")


@pytest.mark.parametrize(
    "lines",
    [
        b"\r\nif-none-match: *",
        b"\r\nif-none-match: W/" + tag(2),
        b"\r\nif-none-match: " + tag(2) + b", " + tag(3),
        b"\r\nIF-NONE-MATCH: " + tag(2),
        b"\r\nif-none-match: " + tag(2) + b"\r\nif-none-match: " + tag(3),
        b"\r\nif-none-match: " + tag(2) + b"\r\nIf-None-Match: " + tag(3),
    ],
)
def test_other_spellings_of_tags_are_the_parsers(lines: bytes) -> None:
    values = [line.partition(b": ")[2] for line in lines.split(b"\r\n")[1:]]
    data, base = traced(get(b"/a"), lines), get_scope("/a")
    headers = [*base["headers"], *((b"if-none-match", value) for value in values), (b"accept", b"*/*")]
    heads = HeadCache()
    heads.learn(*held(b"\r\nif-none-match: ", 1), b"")
    heads.learn(data, {**base, "headers": headers}, b"")
    assert heads.recall(data) is None
    assert heads.recall(held(b"\r\nif-none-match: ", 2)[0]) is not None
