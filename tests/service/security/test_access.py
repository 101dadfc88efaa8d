"""Which path needs which scope, and what a key, a signature, both or neither open."""

from __future__ import annotations

import pytest

from service.core.settings import Settings
from service.core.url_signature import parse_pair, sign_url
from service.inference.registry import Registry
from service.security.access import find_scope
from service.security.creation import create_guard
from service.security.guard import Guard
from service.security.paths import HEALTH
from service.security.rate_limit import UNLIMITED
from service.server.app import create_app
from tests.service.security.visits import visit

READ, ADMIN, METRICS = ("correct-horse-" + name for name in ("read", "admin", "metrics"))
KEYS = f"web:read:{READ},ops:admin:{ADMIN},prometheus:metrics:{METRICS}"
PAIR = f"{'ab' * 32}:{'cd' * 32}"


def build(*, keys: str = "", pairs: str = "", rate: str = "") -> Guard:
    guard = create_guard(Settings(api_keys=keys, signing_keys=pairs, rate_limit=rate))
    assert guard is not None
    return guard


@pytest.mark.parametrize(
    ("scope", "paths"),
    [
        (
            None,
            "/health/live /health/ready /v2/health/live /v2/health/ready / /docs /redoc /openapi.json"
            " /playground/abc/main.js /static-offline-docs/x.js",
        ),
        ("metrics", "/metrics /metrics\n"),
        ("admin", "/admin /admin/ /admin/reload /admin/reload/"),
        (
            "read",
            "/decode /decode.png /models /v2 /v2/models/a/ready /v2/health /health /health/live/ /metrics/"
            " /doc /docs/ // //health/live /health//live /Health/live /nothing /administrator /playground"
            " /static-offline-docs /health/live/decode.png /x/health/live /playground/a\n/decode",
        ),
    ],
)
def test_all_paths_but_the_open_ones_need_a_scope(scope: str | None, paths: str) -> None:
    for path in paths.split(" "):
        assert find_scope(path) == scope, path
    long = "x" * 300
    assert [
        find_scope(f"{path}{long}") for path in ("/docs", "/metrics", "/admin", "/admin/", "/playground/")
    ] == [*("read", "read", "read", "admin", None)]


def test_health_is_open_and_unlimited_whatever_its_routes_are(registry: Registry) -> None:
    app = create_app(Settings(), registry)
    paths = {path for path in app.api.openapi()["paths"] if "/health/" in path}
    assert set(HEALTH) == paths
    assert {find_scope(path) for path in paths} == {None}
    assert {*paths, "/metrics"} == UNLIMITED


@pytest.mark.parametrize(
    ("target", "key"), [("/decode.png", READ), ("/metrics", METRICS), ("/admin/reload", ADMIN)]
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_each_key_opens_what_its_scope_says(target: str, key: str, method: str) -> None:
    guard = build(keys=KEYS)
    for other in (READ, METRICS, ADMIN):
        for fields in (
            {"authorization": f"Bearer {other}"},
            {"authorization": f"bearer   {other} "},
            {"x_api_key": other},
            {"x_api_key": f" {other}\t "},
            {"x_api_key": other, "authorization": "Bearer of a proxy in front"},
        ):
            asking = visit(target, method, **fields)
            refusal = guard.ask(asking)
            if other == key:
                assert refusal is None
                continue
            assert refusal is not None
            assert (refusal.status, refusal.reason) == (403, "wrong_scope")
            assert "insufficient_scope" in (refusal.headers or {})["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "no_key"),
        ({"authorization": "Basic dXNlcjpwYXNz"}, "no_key"),
        ({"authorization": READ}, "no_key"),
        ({"cookie": f"x-api-key={READ}"}, "no_key"),
        ({"authorization": "Bearer"}, "wrong_key"),
        ({"authorization": "Bearer "}, "wrong_key"),
        ({"authorization": f"Bearer {READ}, Bearer {READ}"}, "wrong_key"),
        ({"authorization": f"Bearer {READ[:-1]}"}, "wrong_key"),
        ({"authorization": f"Bearer {READ}x"}, "wrong_key"),
        ({"authorization": f"Bearer {READ.upper()}"}, "wrong_key"),
        ({"x_api_key": ""}, "wrong_key"),
        ({"x_api_key": f"{READ}, {READ}"}, "wrong_key"),
        ({"x_api_key": "wrong", "authorization": f"Bearer {READ}"}, "wrong_key"),
    ],
)
def test_nothing_else_is_a_key(fields: dict[str, str], reason: str) -> None:
    for target in ("/decode.png", f"/decode.png?api_key={READ}", f"/decode.png?key={READ}", "/metrics"):
        refusal = build(keys=KEYS).ask(visit(target, **fields))
        assert refusal is not None
        assert (refusal.status, refusal.reason) == (401, reason)
        assert (refusal.headers or {})["WWW-Authenticate"].startswith('Bearer realm="cvae"')
        assert READ not in str(refusal)
    assert build(keys=KEYS).ask(visit("/health/live", **fields)) is None


def test_limits_count_for_a_key_by_its_name_and_else_for_the_address() -> None:
    guard = build(keys=KEYS)
    known, unknown, wrong = visit(x_api_key=READ), visit(), visit(x_api_key="wrong")
    for each in (known, unknown, wrong):
        guard.ask(each)
    assert [each.client for each in (known, unknown, wrong)] == ["key:web", "192.0.2.1", "192.0.2.1"]


def statuses(guard: Guard, target: str, times: int, **fields: str) -> list[int]:
    refusals = [guard.ask(visit(target, **fields)) for _ in range(times)]
    return [200 if refusal is None else refusal.status for refusal in refusals]


@pytest.mark.parametrize("target", ["/decode.png", "/metrics", "/admin/reload", "/nothing"])
@pytest.mark.parametrize(
    ("keys", "pairs", "fields", "status"),
    [
        (KEYS, "", {}, 401),
        (KEYS, "", {"x_api_key": "wrong"}, 401),
        ("", PAIR, {}, 403),
        (KEYS, PAIR, {"x_api_key": "wrong"}, 401),
    ],
)
def test_a_limit_counts_refusals_by_the_address(
    target: str, keys: str, pairs: str, fields: dict[str, str], status: int
) -> None:
    guard = build(keys=keys, pairs=pairs, rate="3/hour")
    assert statuses(guard, target, 5, **fields) == 3 * [status] + 2 * [429]
    assert statuses(guard, "/health/live", 5, **fields) == 5 * [200]


def test_every_refusal_that_a_key_would_change_says_how_to_send_one() -> None:
    both = build(keys=KEYS, pairs=PAIR).ask(visit())
    neither = build(pairs=PAIR).ask(visit())
    assert both is not None
    assert neither is not None
    assert (both.status, both.headers) == (403, {"WWW-Authenticate": 'Bearer realm="cvae"'})
    assert (neither.status, neither.headers) == (403, None)


def test_refusals_of_others_at_his_address_do_not_hold_up_who_has_a_key() -> None:
    guard = build(keys=KEYS, rate="3/hour")
    assert statuses(guard, "/decode.png", 4) == 3 * [401] + [429]
    assert statuses(guard, "/decode.png", 4, x_api_key=READ) == 3 * [200] + [429]
    assert statuses(guard, "/metrics", 5, x_api_key=METRICS) == 5 * [200]


def test_a_limit_counts_a_lacking_scope_by_the_key() -> None:
    guard = build(keys=KEYS, rate="3/hour")
    assert statuses(guard, "/admin/reload", 4, x_api_key=METRICS) == 3 * [403] + [429]
    assert statuses(guard, "/admin/reload", 4, x_api_key=READ) == 3 * [403] + [429]
    assert statuses(guard, "/admin/reload", 3, x_api_key=ADMIN) == 3 * [200]


def test_no_shared_cache_keeps_what_a_key_opened() -> None:
    asking = visit(x_api_key=READ)
    build(keys=KEYS).ask(asking)
    fields = [
        (b"etag", b'"public"'),
        (b"cache-control", b"public, max-age=60"),
        (b"Cache-Control", b"no-store"),
    ]
    asking.finish(fields)
    assert fields[1:] == [(b"cache-control", b"private, max-age=60"), (b"Cache-Control", b"no-store")]
    assert fields[0] == (b"etag", b'"public"')


SIGNED = sign_url("/decode.png?z=1,2", parse_pair(PAIR))


@pytest.mark.parametrize(
    ("target", "method", "key", "keyed", "signed", "both"),
    [
        ("/decode.png?z=1,2", "GET", None, "no_key", "unsigned", "unsigned"),
        (SIGNED, "GET", None, "no_key", None, None),
        (SIGNED, "POST", None, "no_key", "unsigned", "no_key"),
        (SIGNED + "x", "GET", None, "no_key", "wrong_signature", "wrong_signature"),
        (SIGNED + "x", "GET", READ, None, "wrong_signature", None),
        (SIGNED, "GET", "wrong", "wrong_key", None, None),
        (SIGNED + "x", "GET", "wrong", "wrong_key", "wrong_signature", "wrong_key"),
        ("/decode.png?z=1,2", "GET", READ, None, "unsigned", None),
        ("/decode", "POST", READ, None, "unsigned", None),
        (sign_url("/metrics", parse_pair(PAIR)), "GET", None, "no_key", "unsigned", "no_key"),
        (sign_url("/admin/reload", parse_pair(PAIR)), "GET", None, "no_key", "unsigned", "no_key"),
        ("/health/live", "GET", None, None, None, None),
    ],
)
def test_a_key_or_a_signature_opens(
    target: str, method: str, key: str | None, keyed: str | None, signed: str | None, both: str | None
) -> None:
    fields = {} if key is None else {"x_api_key": key}
    guards = build(keys=KEYS), build(pairs=PAIR), build(keys=KEYS, pairs=PAIR)
    for guard, reason in zip(guards, (keyed, signed, both), strict=True):
        refusal = guard.ask(visit(target, method, **fields))
        assert (refusal and refusal.reason) == reason


def test_the_endpoint_sees_no_signature_whoever_opened() -> None:
    for fields in ({}, {"x_api_key": READ}):
        asking = visit(SIGNED, **fields)
        assert build(keys=KEYS, pairs=PAIR).ask(asking) is None
        assert asking.scope["query_string"] == b"z=1,2"


def test_a_guard_is_made_only_if_it_has_something_to_check() -> None:
    assert create_guard(Settings()) is None
    assert len(build(keys=KEYS, pairs=PAIR).jobs) == 2
