"""Which calls go through a proxy, and that an error names it."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import httpx
import pytest

from service.client import AsyncClient, Client, Retry, ServiceError, UnreachableError
from service.client.transport.proxies import find_route, is_local
from tests.live import hold_port
from tests.service.client.driver import Driver

ONCE = Retry(tries=1)


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for scheme in ("http", "https", "all", "no"):
        for name in (f"{scheme}_proxy", f"{scheme}_proxy".upper()):
            monkeypatch.delenv(name, raising=False)


def ask(driver: Driver, base_url: str) -> object:
    driver.open(None, base_url=base_url, retry=ONCE, timeout_s=10)
    return driver.ask(lambda client: client.models())


@pytest.fixture
def closed_port() -> Iterator[int]:
    with hold_port() as port:
        yield port


class Refuser(http.server.BaseHTTPRequestHandler):
    """A proxy that lets nobody through, and a service that is none."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        self.send_response(502)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def refuser() -> Iterator[http.server.ThreadingHTTPServer]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refuser) as server:
        server.asked = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST.",
        "cvae.localhost",
        "127.0.0.1",
        "127.9.8.7",
        "::1",
        "::ffff:127.0.0.1",
        "0.0.0.0",
    ],
)
def test_this_machine_is_here(host: str) -> None:
    assert is_local(host)


@pytest.mark.parametrize(
    "host", ["service", "localhost.example", "10.0.0.1", "128.0.0.1", "::2", "127.example"]
)
def test_other_machines_are_not(host: str) -> None:
    assert not is_local(host)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "[::1]"])
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_this_machine_is_asked_without(monkeypatch: pytest.MonkeyPatch, host: str, variable: str) -> None:
    monkeypatch.setenv(variable, "http://proxy:3128")
    assert find_route(httpx.URL(f"http://{host}:8000")).proxy is None
    assert find_route(httpx.URL("http://service:8000")).proxy is not None


@pytest.mark.parametrize(
    ("no_proxy", "url"),
    [
        ("service", "http://service:8000"),
        ("a,  SERVICE ", "http://service"),
        ("service:8000", "http://service:8000"),
        ("service:80", "http://service"),
        (".example.org", "http://a.example.org"),
        ("example.org", "http://a.example.org"),
        ("a,*", "http://service"),
        ("10.1.2.3", "http://10.1.2.3:8000"),
        ("10.0.0.0/8", "http://10.1.2.3"),
        ("fd00::/8", "http://[fd00::1]:8000"),
        ("[fd00::1]", "http://[fd00::1]"),
    ],
)
def test_hosts_in_no_proxy_are_asked_without(
    monkeypatch: pytest.MonkeyPatch, no_proxy: str, url: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy:3128")
    assert find_route(httpx.URL(url)).proxy is not None
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert find_route(httpx.URL(url)).proxy is None


@pytest.mark.parametrize(
    ("no_proxy", "url"),
    [
        ("", "http://service"),
        ("other", "http://service"),
        ("service:9000", "http://service:8000"),
        ("example.org", "http://bexample.org"),
        ("10.0.0.0/8", "http://11.1.2.3"),
        ("10.0.0.0/8,fd00::/99999", "http://[fd00::1]:8000"),
    ],
)
def test_other_hosts_are_asked_through_it(monkeypatch: pytest.MonkeyPatch, no_proxy: str, url: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert find_route(httpx.URL(url)).proxy is not None


def test_each_scheme_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "proxy:3128")
    assert find_route(httpx.URL("http://service")).proxy is None
    route = find_route(httpx.URL("https://service"))
    assert str(route) == (
        "https://service through the proxy http://proxy:3128 "
        "(of HTTPS_PROXY; hosts in NO_PROXY are asked without)"
    )


def test_the_error_names_the_proxy_without_its_password(
    driver: Driver, monkeypatch: pytest.MonkeyPatch, closed_port: int
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://me:secret@127.0.0.1:{closed_port}")
    with pytest.raises(UnreachableError) as caught:
        ask(driver, "http://user:password@service.example:8000/below")
    assert str(caught.value) == (
        f"http://service.example:8000/below through the proxy http://127.0.0.1:{closed_port} "
        "(of HTTP_PROXY; hosts in NO_PROXY are asked without): "
        "expected an answer, received none (Connection refused)"
    )


def test_what_a_proxy_answers_names_it(
    driver: Driver, monkeypatch: pytest.MonkeyPatch, refuser: http.server.ThreadingHTTPServer
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{refuser.server_port}")
    with pytest.raises(ServiceError, match=r"through the proxy http://127.0.0.1.*received 502 Bad Gateway"):
        ask(driver, "http://service.example")
    assert refuser.asked == ["http://service.example/models"]  # type: ignore[attr-defined]


def test_a_service_on_this_machine_is_asked_itself(
    driver: Driver,
    monkeypatch: pytest.MonkeyPatch,
    refuser: http.server.ThreadingHTTPServer,
    closed_port: int,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port}")
    with pytest.raises(ServiceError, match=r"Bad Gateway$"):
        ask(driver, f"http://127.0.0.1:{refuser.server_port}")
    assert refuser.asked == ["/models"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("proxy", "line"),
    [
        (
            "ftp://me:secret@proxy",
            "HTTP_PROXY: expected an address such as http://proxy:3128, received 'ftp://proxy'",
        ),
        ("http://", "HTTP_PROXY: expected an address such as http://proxy:3128, received 'http:"),
        ("http://proxy:port", "HTTP_PROXY: expected an address such as http://proxy:3128, received another"),
        ("socks5://proxy", r"HTTP_PROXY: .* or httpx\[socks\] installed, received 'socks5://proxy'"),
    ],
)
@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_variable_that_is_no_proxy_is_refused(
    kind: type[Client] | type[AsyncClient], monkeypatch: pytest.MonkeyPatch, proxy: str, line: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy)
    with pytest.raises(ValueError, match=line) as caught:
        kind("http://service")
    assert "secret" not in str(caught.value)
    kind("http://localhost:8000")
