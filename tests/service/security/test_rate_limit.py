from __future__ import annotations

import json
import pathlib

import pytest

from service.core.settings import Settings
from service.inference.registry import Registry
from service.observability.worker_files import SHARED_FOLDER
from service.security.buckets import FILE
from service.security.rate_limit import UNLIMITED
from service.server.app import Application, create_app, create_fast_path
from tests.service.security.test_dispatcher import ask, get
from tests.service.wire import without_ids

PROXY = "10.0.0.7"
SETTINGS = Settings(rate_limit="2/hour", playground="off", trusted_proxies=(PROXY,))
# Direct routes, files, pages, what is nowhere, and what is spelt as no watcher would.
TARGETS = (
    "/digits/8?seed=3",
    "/digits/8.png?seed=3",
    "/docs",
    "/models",
    "/nothing",
    "/v2/models/fake",
    "/health/live/",
    "/health//live",
    "/%68ealth/../digits/8?seed=3",
    "/metrics/x",
)
WAYS = ("fast path", "ASGI")


def build(registry: Registry, settings: Settings = SETTINGS) -> Application:
    app = create_app(settings, registry)
    app.api.state.registry = registry
    return app


def ask_by(way: str, app: Application, *requests: bytes, client: str = "192.0.2.1") -> list[bytes]:
    fast = create_fast_path(SETTINGS, app.direct) if way == "fast path" else None
    return ask(app, fast, *requests, client=client)


def statuses(answers: list[bytes]) -> list[int]:
    return [int(answer.split()[1]) for answer in answers]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("way", WAYS)
def test_who_asks_too_often_is_refused_wherever_he_asks(
    registry: Registry, way: str, method: str, target: str
) -> None:
    app = build(registry)
    request = get(target, b"content-length: 0\r\n" if method == "POST" else b"", method)
    found = statuses(ask_by(way, app, *[request] * 4))
    assert 429 not in found[:2]
    assert found[2:] == [429, 429]


def test_a_refusal_says_when_to_come_back(registry: Registry) -> None:
    one, other = (ask_by(way, build(registry), *[get("/digits/8?seed=3")] * 3)[-1] for way in WAYS)
    assert without_ids(one) == without_ids(other)
    head, _, body = one.partition(b"\r\n\r\n")
    assert b"\r\nretry-after: 1800\r\n" in head
    assert b'\r\nratelimit-policy: "client";q=2;w=3600\r\n' in head
    assert b'\r\nratelimit: "client";r=0;t=1800\r\n' in head
    assert b"\r\ncontent-type: application/problem+json\r\n" in head
    assert b"\r\ncache-control: no-store\r\n" in head
    problem = json.loads(body)
    assert (problem["status"], problem["title"]) == (429, "Too Many Requests")
    assert problem["detail"] == "more than 2 requests in 3600 s; try again in 1800 s"


def test_below_v2_it_is_the_protocol_s_error(registry: Registry) -> None:
    body = ask_by("fast path", build(registry), *[get("/v2/models/fake")] * 3)[-1].partition(b"\r\n\r\n")[2]
    assert json.loads(body) == {"error": "more than 2 requests in 3600 s; try again in 1800 s"}


@pytest.mark.parametrize("target", sorted(UNLIMITED))
@pytest.mark.parametrize("way", WAYS)
def test_who_watches_over_the_service_is_always_answered(registry: Registry, way: str, target: str) -> None:
    app = build(registry)
    answers = ask_by(way, app, *[get("/models")] * 3, *[get(target)] * 5)
    assert statuses(answers) == [200, 200, 429] + 5 * [200]


@pytest.mark.parametrize("way", WAYS)
def test_clients_have_a_limit_each_and_a_trusted_proxy_names_them(registry: Registry, way: str) -> None:
    app = build(registry)
    request = get("/models")
    assert statuses(ask_by(way, app, *[request] * 3, client="192.0.2.1")) == [200, 200, 429]
    assert statuses(ask_by(way, app, request, client="192.0.2.2")) == [200]
    # A stranger may write what he likes; a proxy that is trusted is believed.
    forged = get("/models", b"x-forwarded-for: 192.0.2.9\r\n")
    assert statuses(ask_by(way, app, forged, client="192.0.2.1")) == [429]


def test_behind_a_trusted_proxy_its_clients_are_counted(registry: Registry) -> None:
    app = build(registry)
    first, second = (get("/models", f"x-forwarded-for: 192.0.2.{n}\r\n".encode()) for n in (1, 2))
    answers = ask_by("fast path", app, first, first, first, second, client=PROXY)
    assert statuses(answers) == [200, 200, 429, 200]


@pytest.mark.parametrize("way", WAYS)
def test_refusals_are_counted(registry: Registry, way: str) -> None:
    answers = ask_by(way, build(registry), *[get("/models")] * 5, get("/metrics"))
    assert b'cvae_refusals_total{reason="rate_limited"} 3.0' in answers[-1]


def test_without_a_limit_there_is_no_guard(registry: Registry) -> None:
    assert build(registry, Settings()).guard is None


def test_workers_share_the_table(
    registry: Registry, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SHARED_FOLDER, str(tmp_path))
    one, other = build(registry), build(registry)
    assert statuses(ask_by("ASGI", one, *[get("/models")] * 2)) == [200, 200]
    assert statuses(ask_by("ASGI", other, get("/models"))) == [429]
    assert (tmp_path / FILE).exists()
