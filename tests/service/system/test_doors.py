"""None of it can be passed by: every route, the hot ones in every spelling, by the fast path and without."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import pytest

from service.core.settings import Settings
from service.core.url_signature import parse_pair, sign_url
from service.inference.registry import Registry
from service.server.app import Application, create_app, create_fast_path
from tests.service.wire import connect, play_for_real

READ, METRICS, ADMIN = (f"correct-horse-{scope}" for scope in ("read", "metrics", "admin"))
KEYS = f"web:read:{READ},prometheus:metrics:{METRICS},ops:admin:{ADMIN}"
PAIR = f"{'ab' * 32}:{'cd' * 32}"
PREFIX = "/cvae"
VALUES = {"digit": "7", "extension": "png", "model": "mnist-2d.decoder", "version": "1", "name": "mnist-2d"}
RELOAD = "/admin/reload"
# A key that opens a path, and one that does not, where it is not the key for reading.
NEEDED = {"/metrics": (METRICS, READ), RELOAD: (ADMIN, READ)}
OPEN = {"/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready"}
PAGES = ("/", "/docs", "/redoc", "/openapi.json")
PICTURE, QUERY = "/decode.png", "z=0.5,-1.0"
# Ways to write the hot path that lead to it, or that a careless check would take for an open one.
HOT = (
    *(PICTURE, "/decode%2Epng", "/%64ecode.png", "/decode.pn%67", "/decode.png%0A", "//decode.png"),
    *(
        "/decode.png/",
        "/./decode.png",
        "/health/../decode.png",
        "/health/live/../../decode.png",
        "/decode.png;x",
    ),
    *(
        "/docs/../decode.png",
        "/health/live%2F..%2F..%2Fdecode.png",
        "/playground/../decode.png",
        "/DECODE.PNG",
    ),
    *(
        "/static-offline-docs/../decode.png",
        "/static-offline-docs/..%2Fdecode.png",
        "/decode.png%00",
        "/decode.png%20",
    ),
    *("/digits/7", "/digits/7.png", "/digits/%37", "/digits/7/", "/sample.png", "/manifold.png", "/decode"),
    *(
        "/metrics",
        "/metrics/",
        "/metrics%0A",
        "/%6Detrics",
        "/admin/reload",
        "/models",
        "/models/",
        "/v2",
        "/v2/",
    ),
)
FORMS = ("plain", "absolute", "HTTP/1.0", "HEAD", "piped", "recalled", "query first", "several keys")


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    registry = Registry(Settings(deadline_ms=60_000))
    registry.start()
    yield registry
    registry.close()


class Door:
    """A service with a guard, asked by the fast path or through ASGI."""

    def __init__(self, registry: Registry, way: str, **settings: str) -> None:
        self.settings = Settings.model_validate(settings)
        self.app: Application = create_app(self.settings, registry)
        self.app.api.state.registry = registry
        self.fast = create_fast_path(self.settings, self.app.direct) if way == "fast" else None

    def ask(self, *requests: bytes, at_once: bool = False) -> list[tuple[int, bytes]]:
        """Return status and head of each answer, of requests over one connection."""

        async def scene() -> bytes:
            connection = connect(self.app, self.fast)
            if at_once:
                await connection.send(b"".join(requests))
            for i, request in enumerate(() if at_once else requests):
                await connection.send(request)
                await connection.read(i + 1)
            sent: bytes = await connection.read(len(requests))
            return sent

        answers = re.split(rb"(?=HTTP/1\.1 \d{3} )", play_for_real(scene))[1:]
        assert len(answers) == len(requests)
        return [(int(answer.split()[1]), answer.partition(b"\r\n\r\n")[0]) for answer in answers]


def write(target: str, method: str = "GET", version: str = "1.1", **fields: str) -> bytes:
    lines = [f"{method} {target} HTTP/{version}", "host: service"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    if method == "POST":
        lines.append("content-length: 0")
    if version == "1.0":
        lines.append("connection: keep-alive")
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.fixture(params=["fast", "asgi"])
def way(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


def list_routes(app: Application) -> Iterator[tuple[str, str]]:
    """Method and path of every operation of the document, and of the pages."""
    yield from (("GET", page) for page in PAGES)
    for template, operations in app.api.openapi()["paths"].items():
        for method in operations:
            yield method.upper(), re.sub(r"\{(\w+)\}", lambda found: VALUES[found[1]], template)


def test_every_route_asks_for_a_key_or_is_open_by_name(registry: Registry, way: str) -> None:
    door = Door(registry, way, api_keys=KEYS, admin="on")
    closed = 0
    for method, path in list_routes(door.app):
        key, other = NEEDED.get(path, (READ, METRICS))
        asked = [{}, {"x_api_key": "wrong"}, {"x_api_key": other}, {"authorization": f"Bearer {key}"}]
        statuses = [status for status, _ in door.ask(*(write(path, method, **fields) for fields in asked))]
        if path in OPEN or path in PAGES:
            assert statuses == [200] * 4, path
            continue
        assert statuses[:3] == [401, 401, 403], (method, path)
        assert statuses[3] not in (401, 403), (method, path)
        closed += 1
        assert path != RELOAD or statuses[3] == 503  # let in, but nothing can be reloaded here
    assert closed > 30
    assert ("POST", RELOAD) in list_routes(door.app)


def test_every_route_asks_for_a_signature_or_is_open_by_name(registry: Registry, way: str) -> None:
    door, pair = Door(registry, way, signing_keys=PAIR, admin="on"), parse_pair(PAIR)
    opened = 0
    for method, path in list_routes(door.app):
        if path in OPEN or path in PAGES:
            continue
        signed = sign_url(path, pair)
        requests = [write(target, method) for target in (path, signed[:-1], signed + "A", signed)]
        statuses = [status for status, _ in door.ask(*requests)]
        assert statuses[:3] == [403] * 3, (method, path)
        assert (statuses[3] != 403) == (method == "GET" and path != "/metrics"), (method, path)
        opened += statuses[3] == 200
    assert opened > 5


def spell(form: str, path: str, fields: dict[str, str]) -> tuple[list[bytes], bool]:
    """Return the requests of a form, of which the last is the one to look at; whether they come at once."""
    target = f"{path}?{QUERY}" if path.startswith("/decode") else path
    let_in = write(f"{PICTURE}?{QUERY}", x_api_key=READ)
    if form == "absolute":
        return [write(f"http://service{target}", **fields)], False
    if form == "HTTP/1.0":
        return [write(target, version="1.0", **fields)], False
    if form == "HEAD":
        return [write(target, "HEAD", **fields)], False
    if form == "piped":
        return [let_in, write(target, **fields)], True
    if form == "recalled":
        return [let_in, let_in, write(target, **fields), write(target, **fields)], False
    if form == "query first":
        return [write(f"{path}?x-api-key={READ}&authorization=Bearer+{READ}&{QUERY}", **fields)], False
    if form == "several keys":
        twice = write(target, **fields).removesuffix(b"\r\n")
        return [twice + b"x-api-key: wrong\r\nx-api-key: %b\r\n\r\n" % READ.encode()], False
    return [write(target, **fields)], False


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("prefix", ["", PREFIX])
def test_no_spelling_of_a_hot_path_passes_the_door(
    registry: Registry, way: str, form: str, prefix: str
) -> None:
    door = Door(registry, way, api_keys=KEYS, root_path=prefix)
    for path in HOT:
        for before in ("", prefix) if prefix else ("",):
            for fields in ({}, {"x_api_key": "wrong"}, {"authorization": "Bearer wrong"}):
                requests, at_once = spell(form, before + path, fields)
                status, head = door.ask(*requests, at_once=at_once)[-1]
                assert (status == 401) == (path not in STATIC), (form, path, fields, head)
                assert status in (401, 404), (form, path, fields, head)
                assert status != 401 or b"www-authenticate: Bearer" in head
                assert b"x-request-id: " in head


# What is below a folder of files is open, but no more than a file of it is found there.
STATIC = {
    *(
        "/playground/../decode.png",
        "/static-offline-docs/../decode.png",
        "/static-offline-docs/..%2Fdecode.png",
    ),
}


@pytest.mark.parametrize("prefix", ["", PREFIX])
def test_the_right_key_opens_every_spelling_that_leads_somewhere(
    registry: Registry, way: str, prefix: str
) -> None:
    open_door, closed = (
        Door(registry, way, root_path=prefix),
        Door(registry, way, api_keys=KEYS, root_path=prefix),
    )
    for path in HOT:
        key = METRICS if path in ("/metrics", "/%6Detrics", "/metrics%0A") else READ
        for form in ("plain", "absolute", "HTTP/1.0", "HEAD"):
            requests, _ = spell(form, prefix + path, {"x_api_key": key})
            (expected, _), (status, _) = *open_door.ask(*requests), *closed.ask(*requests)
            admin = path.startswith("/admin")
            assert status == (403 if admin else expected), (form, path)


def test_a_signature_is_for_its_own_path_and_query_in_any_form(registry: Registry, way: str) -> None:
    door = Door(registry, way, signing_keys=PAIR)
    signed = sign_url(f"{PICTURE}?{QUERY}", parse_pair(PAIR), 10**11)
    signature = signed.rpartition("=")[2]
    requests: Sequence[tuple[bytes, int]] = [
        (write(signed), 200),
        (write(signed.replace("/decode", "/%64ecode")), 200),
        (write(f"http://service{signed}"), 200),
        (write(signed, version="1.0"), 200),
        (write(signed, "HEAD"), 200),
        (write(signed, if_none_match="*"), 304),
        (write(f"{PICTURE}?{QUERY}"), 403),
        (write(f"{PICTURE}?{QUERY}&signature={signature}"), 403),
        (write(signed.replace("0.5", "0.6")), 403),
        (write(signed.replace("decode.png", "decode.webp")), 403),
        (write(signed.replace("decode.png", "decode.png%0A")), 403),
        (write(signed + "&z=1,1"), 403),
        (write(signed + "&scale=64"), 403),
        (write(signed.replace("&signature", "&scale=64&signature")), 403),
        (write(signed, "POST"), 403),
        (write(signed, "PUT"), 403),
        (write(sign_url(f"{PICTURE}?{QUERY}", parse_pair(PAIR), 1)), 403),
    ]
    for request, expected in requests:
        ((status, head),) = door.ask(request)
        assert status == expected, (request, head)
    answers = door.ask(*(request for request, _ in requests if b"HTTP/1.0" not in request), at_once=True)
    assert [status for status, _ in answers] == [
        status for request, status in requests if b"HTTP/1.0" not in request
    ]


def test_signature_and_expiry_change_no_tag_and_no_cache(registry: Registry, way: str) -> None:
    door, pair = Door(registry, way, signing_keys=PAIR, api_keys=KEYS), parse_pair(PAIR)
    plain = f"{PICTURE}?{QUERY}&scale=3"
    targets = [sign_url(plain, pair), sign_url(plain, pair, 10**11), sign_url(plain, pair, 10**11 - 1)]
    answers = door.ask(*map(write, targets), write(plain, x_api_key=READ), write(targets[0], x_api_key=READ))
    tags = {re.findall(rb"\r\netag: (\S+)", head)[0] for _, head in answers}
    assert len(tags) == 1
    assert len(door.app.api.state.pictures._pictures) == 1
    controls = [re.findall(rb"\r\ncache-control: ([^\r]+)", head)[0] for _, head in answers]
    assert (
        controls
        == [b"public, max-age=60, stale-while-revalidate=60"] * 3
        + [b"private, max-age=60, stale-while-revalidate=60"] * 2
    )


def test_pages_of_other_origins_can_read_why_they_are_refused(registry: Registry, way: str) -> None:
    page = "https://page.example"
    door = Door(registry, way, api_keys=KEYS, cors_origins=page)
    asking = write(f"{PICTURE}?{QUERY}", origin=page)
    before = write(
        PICTURE,
        "OPTIONS",
        origin=page,
        access_control_request_method="GET",
        access_control_request_headers="authorization,x-api-key",
    )
    (refused, head), (allowed, allowing) = door.ask(asking, before)
    assert (refused, allowed) == (401, 200)
    assert b"access-control-allow-origin: " + page.encode() in head
    assert b"x-api-key" in allowing
