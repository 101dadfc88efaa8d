"""The service behind a real nginx, under a path, and behind a real Varnish; both must be installed."""

from __future__ import annotations

import contextlib
import pathlib
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence

import httpx
import pytest

from service.client import Client
from tests.live import ROOT, hold_port, serve

pytestmark = pytest.mark.slow

Headers = dict[str, str]
DEADLINE_S = 120
PAGE = "https://page.example"
# A request of the fast path, and what the log calls it.
PICTURE, PICTURES = "/decode.png?z=0.7,0.7", "/decode.{extension}"
# As docs/http.md has it.
LOCATION = re.findall(r"```nginx\n(.*?)```", (ROOT / "docs" / "http.md").read_text(), re.DOTALL)[0]
NGINX = """
daemon off;
pid nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{ listen {stripping}; {strips} }}
    server {{ listen {leaving}; {leaves} }}
}}
"""


@contextlib.contextmanager
def hold_address() -> Iterator[str]:
    with hold_port() as port:
        yield f"127.0.0.1:{port}"


@contextlib.contextmanager
def run(command: Sequence[str], address: str, log: pathlib.Path) -> Iterator[None]:
    """Runs a server until the context ends, which begins once it listens."""
    host, port = address.split(":")
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file)
    try:
        end = time.monotonic() + DEADLINE_S
        while True:
            with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 1):
                break
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(DEADLINE_S)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return tmp_path_factory.mktemp("proxies")


@pytest.fixture(scope="module")
def log(folder: pathlib.Path) -> pathlib.Path:
    return folder / "service.log"


@pytest.fixture(scope="module")
def direct(log: pathlib.Path) -> Iterator[str]:
    settings = {
        "CVAE_ROOT_PATH": "/cvae",
        "CVAE_CORS_ORIGINS": f"{PAGE}/",
        "CVAE_TRUSTED_PROXIES": "127.0.0.1",
        "CVAE_ACCESS_LOG": "true",
    }
    with serve(log, **settings) as address:
        yield address.replace("localhost", "127.0.0.1")


@pytest.fixture(scope="module")
def nginx(direct: str, folder: pathlib.Path) -> Iterator[dict[str, str]]:
    """Where nginx takes the prefix away, and where it leaves it."""
    with hold_address() as stripping, hold_address() as leaving:
        yield from run_nginx(direct, folder, stripping, leaving)


def run_nginx(direct: str, folder: pathlib.Path, stripping: str, leaving: str) -> Iterator[dict[str, str]]:
    location = LOCATION.replace("127.0.0.1:8000", direct)
    text = NGINX.format(
        stripping=stripping,
        leaving=leaving,
        strips=location,
        leaves=location.replace(f"{direct}/;", f"{direct};"),
    )
    (folder / "nginx.conf").write_text(text)
    command = ["nginx", "-p", str(folder), "-c", "nginx.conf"]
    with run(command, leaving, folder / "nginx.log"):
        yield {"taken away": f"http://{stripping}/cvae", "left": f"http://{leaving}/cvae"}


@pytest.fixture(params=["taken away", "left"])
def below(request: pytest.FixtureRequest, nginx: dict[str, str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=nginx[request.param]) as client:
        yield client


def origin(client: httpx.Client) -> str:
    return str(client.base_url).removesuffix("/cvae/")


def test_every_page_loads_parts_that_are_there(below: httpx.Client) -> None:
    for page in ("/", "/docs", "/redoc"):
        text = below.get(page).text
        parts = set(re.findall(r"['\"](/[^'\"]+\.(?:json|js|css|png))", text))
        assert len(parts) > 2
        for part in parts:
            assert below.get(origin(below) + part).status_code == 200, part
    (server,) = below.get("/openapi.json").json()["servers"]
    assert below.get(f"{origin(below)}{server['url']}/health/ready").status_code == 200


def test_a_picture_without_a_seed_can_be_had_again_where_it_says(below: httpx.Client) -> None:
    first = below.get("/sample.png?n=4")
    assert first.headers["content-location"].startswith("/cvae/sample.png?")
    again = below.get(origin(below) + first.headers["content-location"])
    assert again.content == first.content


def test_answers_are_those_without_a_proxy(below: httpx.Client, direct: str) -> None:
    for path in (
        "/decode.png?z=0.5,-1.0",
        "/digits/7?seed=3",
        "/models/mnist-2d/latents",
        "/v2/models/mnist-2d.decoder",
    ):
        here, there = httpx.get(f"http://{direct}{path}"), below.get(path)
        assert (there.status_code, there.content) == (200, here.content)
        assert there.headers.get("etag") == here.headers.get("etag")
        assert there.headers["cache-control"] == here.headers["cache-control"]
    tag = below.get("/decode.png?z=1,1").headers["etag"]
    assert below.get("/decode.png?z=1,1", headers={"if-none-match": tag}).status_code == 304


def test_pages_elsewhere_may_upload(below: httpx.Client) -> None:
    asked = {
        "origin": PAGE,
        "access-control-request-method": "POST",
        "access-control-request-headers": "x-request-id",
    }
    preflight = below.options("/encode", headers=asked)
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, PAGE)
    picture = below.get("/digits/3.png?seed=1").content
    answer = below.post("/encode", files={"file": picture}, headers={"origin": PAGE})
    assert answer.json()["neighbours"]
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert (
        "access-control-allow-origin"
        not in below.get("/health/live", headers={"origin": "https://x.example"}).headers
    )


def test_our_client_takes_an_address_with_a_path(below: httpx.Client) -> None:
    with Client(str(below.base_url)) as client:
        assert client.decode([[0.5, -1.0]]).images.shape == (1, 28, 28)
        frames = list(client.stream([0, 0], [1, 1], steps=200))
    assert len(frames) == 200


@pytest.mark.parametrize(("path", "route"), [("/health/live?behind", "/health/live"), (PICTURE, PICTURES)])
def test_the_log_names_who_called(below: httpx.Client, log: pathlib.Path, path: str, route: str) -> None:
    assert below.get(path, headers={"x-forwarded-for": "192.0.2.7"}).status_code == 200
    # nginx adds the address that it sees, which the service trusts; so the one before it counts.
    pattern = rf"192\.0\.2\.7:0 - \"GET {re.escape(route)} HTTP"
    end = time.monotonic() + DEADLINE_S
    while not re.search(pattern, log.read_text()) and time.monotonic() < end:
        time.sleep(0.01)  # another thread writes it
    assert re.search(pattern, log.read_text())


def test_nobody_is_believed_unless_it_is_said(folder: pathlib.Path) -> None:
    path = folder / "wary.log"
    with serve(path, CVAE_ACCESS_LOG="true") as address:
        for claimed in ("192.0.2.7", "192.0.2.8, 127.0.0.1"):
            for asked in ("health/live", "decode.png?z=0,0"):
                httpx.get(f"http://{address}/{asked}", headers={"x-forwarded-for": claimed})
    text = path.read_text()
    assert text.count('"GET /health/live') == text.count(f'"GET {PICTURES} HTTP') == 2
    assert "192.0.2" not in text


@pytest.fixture(scope="module")
def cached(direct: str, folder: pathlib.Path) -> Iterator[httpx.Client]:
    """A client of Varnish, as it comes."""
    with hold_address() as address:
        command = ["varnishd", "-F", "-a", address, "-b", direct, "-n", str(folder / "varnish")]
        command += ["-s", "malloc,32m"]
        started = run(command, address, folder / "varnish.log")
        with started, httpx.Client(base_url=f"http://{address}") as client:
            yield client


def was_kept(answer: httpx.Response) -> bool:
    # Who fetched it, if that was another request.
    return len(answer.headers["x-varnish"].split()) == 2


def ask(
    cached: httpx.Client, path: str, times: int = 3, headers: Headers | None = None
) -> list[httpx.Response]:
    return [cached.get(path, headers=headers) for _ in range(times)]


@pytest.mark.parametrize(
    "path",
    [
        "/decode.png?z=0.1,0.2",
        "/digits/4?seed=2",
        "/manifold.png?n=3",
        "/models",
        "/v2/models",
        "/openapi.json",
    ],
)
def test_pictures_and_descriptions_are_kept(cached: httpx.Client, path: str) -> None:
    answers = ask(cached, path)
    assert [was_kept(answer) for answer in answers] == [False, True, True]
    assert {answer.content for answer in answers} == {answers[0].content}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/health/live", 200),
        ("/health/ready", 200),
        ("/metrics", 200),
        ("/v2/health/ready", 200),
        ("/v2/models/mnist-2d.decoder/ready", 200),
        ("/digits/7", 200),
        ("/nothing", 404),
        ("/models/nothing", 404),
        ("/decode.png?z=0,0&model=mnist-2d@000000000000", 404),
        ("/v2/models/nothing", 404),
        ("/decode.png?z=0", 422),
        ("/decode", 422),
        ("/encode", 405),
    ],
)
def test_states_and_errors_are_not(cached: httpx.Client, path: str, status: int) -> None:
    answers = ask(cached, path)
    assert {answer.status_code for answer in answers} == {status}
    assert not any(map(was_kept, answers))


def test_who_has_a_picture_is_told_so_by_the_cache(cached: httpx.Client) -> None:
    (first,) = ask(cached, "/decode.png?z=0.3,0.4", 1)
    again = ask(cached, "/decode.png?z=0.3,0.4", headers={"if-none-match": first.headers["etag"]})
    assert [answer.status_code for answer in again] == [304] * 3
    assert all(map(was_kept, again))


def test_one_copy_of_a_url_that_says_what_it_is_and_one_for_each_type_of_others(cached: httpx.Client) -> None:
    accepted = ("image/png", "image/webp,*/*;q=0.8", "text/html")
    asked = [ask(cached, "/digits/5.png?seed=9", 1, {"accept": accept})[0] for accept in accepted]
    assert [was_kept(answer) for answer in asked] == [False, True, True]
    for media_type in ("image/png", "image/webp", "application/json"):
        answers = ask(cached, "/digits/5?seed=9", 2, {"accept": media_type})
        assert {answer.headers["content-type"] for answer in answers} == {media_type}
        assert [was_kept(answer) for answer in answers] == [False, True]
