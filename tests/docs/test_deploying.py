"""The files of docs/deploying.md, each started before two services; one of them stops while requests come."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import re
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.live import ROOT, wait_for_port
from tests.service.connections.test_forwarded import hold_address, run

pytestmark = pytest.mark.slow

TEXT = (ROOT / "docs" / "deploying.md").read_text()
DEADLINE_S = 120
PICTURE = "/cvae/decode.png?z=0.5,-1.0"
PROXIES = ("nginx", "caddy", "haproxy", "varnish")
KEEPING = ("nginx", "haproxy", "varnish")
NGINX = """
daemon off;
user root;  # who owns the folder
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
    {}
}}
"""


@dataclasses.dataclass
class Proxy:
    """A proxy before two services.

    Attributes:
        name: Of `PROXIES`.
        url: Where it listens.
        services: The processes behind it.
    """

    name: str
    url: str
    services: list[subprocess.Popen[bytes]]

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(self.url + path, headers=headers, verify=False, timeout=DEADLINE_S)

    def was_kept(self, answer: httpx.Response) -> bool:
        """Tell whether the service was not asked for this answer."""
        if self.name == "varnish":
            return len(answer.headers["x-varnish"].split()) == 2
        if self.name == "nginx":
            return answer.headers["x-cache"] in ("HIT", "STALE", "UPDATING")
        return "age" in answer.headers


def snippet(language: str) -> str:
    (text,) = re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    return str(text)


def adapt(name: str, address: str, plain: str, services: list[str], folder: pathlib.Path) -> str:
    """Return the file of the docs with addresses and places of this machine; each of them must be in it.

    At `plain`, nginx answers without TLS.
    """
    first, second = (service.rpartition(":")[2] for service in services)
    pem = str(folder / "cvae.pem")
    port = address.rpartition(":")[2]
    text = snippet("vcl" if name == "varnish" else name)
    changes = {
        "nginx": {
            "listen 80;": f"listen {plain};",
            "listen 443": f"listen {address}",
            "/etc/ssl/cvae.pem": pem,
            "/var/cache/nginx-cvae": str(folder / "kept"),
        },
        "caddy": {"cvae.example {": f"{{\n\tadmin off\n}}\n:{port} {{\n\tbind 127.0.0.1\n\ttls {pem} {pem}"},
        "haproxy": {"bind :443": f"bind {address}", "/etc/ssl/cvae.pem": pem},
        "varnish": {},
    }
    ports = {"8000": first, "8001": second}
    for old, new in {**changes[name], **ports}.items():
        assert old in text, old
        text = text.replace(old, new)
    return NGINX.format(text) if name == "nginx" else text


def command(name: str, address: str, file: pathlib.Path) -> list[str]:
    return {
        "nginx": ["nginx", "-p", str(file.parent), "-c", str(file)],
        "caddy": ["caddy", "run", "--adapter", "caddyfile", "--config", str(file)],
        "haproxy": ["haproxy", "-db", "-f", str(file)],
        "varnish": [
            "varnishd",
            "-F",
            "-j",
            "none",
            "-a",
            address,
            "-f",
            str(file),
            "-n",
            str(file.parent / "varnish"),
            "-s",
            "malloc,32m",
        ],
    }[name]


def read_plain_address(proxy: Proxy, folder: pathlib.Path) -> str:
    """Return where nginx answers without TLS."""
    text = (folder / proxy.name / "configuration").read_text()
    (address,) = re.findall(r"listen ([0-9.:]+);\n    return 301", text)
    return str(address)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("deploying")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-keyout",
            key,
            "-out",
            certificate,
        ],
        check=True,
        capture_output=True,
    )
    (folder / "cvae.pem").write_bytes(certificate.read_bytes() + key.read_bytes())
    return folder


@contextlib.contextmanager
def start_services(
    folder: pathlib.Path, name: str
) -> Iterator[tuple[list[str], list[subprocess.Popen[bytes]]]]:
    """Start two, and yield their addresses and processes."""
    models = folder / "models"
    models.mkdir()
    (models / "mnist-2d").symlink_to(ROOT / "models" / "mnist-2d")
    settings = {
        "CVAE_PORT": "0",
        "CVAE_ROOT_PATH": "/cvae",
        "CVAE_DRAIN_MS": "1500",
        "CVAE_MODELS_DIR": str(models),
    }
    environment = {**os.environ, **settings}
    addresses, processes = [], []
    with contextlib.ExitStack() as stack:
        for number in ("first", "second"):
            log = folder / f"{name}-{number}.log"
            file = stack.enter_context(log.open("wb"))
            line = [sys.executable, "-m", "service"]
            process = subprocess.Popen(line, cwd=ROOT, stderr=file, env=environment)
            stack.callback(process.wait)
            stack.callback(process.terminate)
            addresses.append(f"127.0.0.1:{wait_for_port(log, process)}")
            processes.append(process)
        yield addresses, processes


@contextlib.contextmanager
def start_proxy(folder: pathlib.Path, name: str, more: str = "") -> Iterator[Proxy]:
    place = folder / (f"{name}{len(more)}" if more else name)
    place.mkdir()
    with (
        start_services(place, name) as (addresses, processes),
        hold_address() as address,
        hold_address() as plain,
    ):
        text = adapt(name, address, plain, addresses, folder)
        file = place / "configuration"
        file.write_text(
            text.replace("proxy_cache cvae;", f"proxy_cache cvae; {more}") if name == "nginx" else text + more
        )
        scheme = "http" if name == "varnish" else "https"
        with run(command(name, address, file), address, place / "log"):
            proxy = Proxy(name, f"{scheme}://{address}", processes)
            wait_until_ready(proxy)
            yield proxy


def wait_until_ready(proxy: Proxy) -> None:
    end = time.monotonic() + DEADLINE_S
    while proxy.get("/cvae/health/ready").status_code != 200:
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.fixture(scope="module", params=PROXIES)
def proxy(request: pytest.FixtureRequest, folder: pathlib.Path) -> Iterator[Proxy]:
    with start_proxy(folder, request.param) as started:
        yield started


def test_all_of_it_is_below_the_prefix(proxy: Proxy) -> None:
    assert proxy.get(PICTURE).content.startswith(b"\x89PNG")
    drawn = proxy.get("/cvae/sample.png?n=4")
    assert proxy.get(drawn.headers["content-location"]).content == drawn.content
    parts = set(re.findall(r"['\"](/[^'\"]+\.(?:json|js|css|png))", proxy.get("/cvae/docs").text))
    assert len(parts) > 2
    assert {part: proxy.get(part).status_code for part in parts} == dict.fromkeys(parts, 200)
    digit = proxy.get("/cvae/digits/3.png?seed=1").content
    found = httpx.post(f"{proxy.url}/cvae/encode", files={"file": digit}, verify=False)
    assert found.json()["neighbours"]


def test_clients_speak_http_2_with_it(proxy: Proxy) -> None:
    protocol = ["--http2-prior-knowledge"] if proxy.name == "varnish" else ["--http2"]
    line = [
        "curl",
        "--silent",
        "--insecure",
        *protocol,
        "--output",
        "/dev/null",
        "--write-out",
        "%{http_version}",
    ]
    done = subprocess.run([*line, proxy.url + PICTURE], capture_output=True, text=True)
    # Varnish has it only if it is told so when it starts.
    assert done.stdout == ("0" if proxy.name == "varnish" else "2")


def test_clients_can_trust_it_and_are_told_to_come_by_tls(proxy: Proxy, folder: pathlib.Path) -> None:
    if proxy.name == "varnish":
        assert proxy.url.startswith("http://")
        return
    trust = ssl.create_default_context(cafile=str(folder / "certificate.pem"))
    for path, status in ((PICTURE, 200), ("/cvae/nothing", 404)):
        answer = httpx.get(proxy.url + path, verify=trust, timeout=DEADLINE_S)
        assert answer.status_code == status
        assert answer.headers.get_list("strict-transport-security") == ["max-age=31536000"]
        assert answer.headers.get_list("x-content-type-options") == ["nosniff"]


@pytest.mark.parametrize(("version", "taken"), [("tls1_1", False), ("tls1_2", True), ("tls1_3", True)])
def test_old_versions_of_tls_are_refused(proxy: Proxy, version: str, taken: bool) -> None:
    if proxy.name == "varnish":
        assert proxy.url.startswith("http://")
        return
    address = proxy.url.removeprefix("https://")
    line = ["openssl", "s_client", f"-{version}", "-cipher", "DEFAULT@SECLEVEL=0", "-connect", address]
    done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE_S)
    assert (done.returncode == 0) is taken, done.stderr
    if not taken:
        assert "alert protocol version" in done.stderr


def test_nginx_leads_to_tls(proxy: Proxy, folder: pathlib.Path) -> None:
    if proxy.name != "nginx":
        return
    address = read_plain_address(proxy, folder)
    answer = httpx.get(f"http://{address}{PICTURE}", timeout=DEADLINE_S)
    assert answer.status_code == 301
    assert answer.headers["location"] == f"https://127.0.0.1{PICTURE}"


def test_who_has_a_picture_is_told_so(proxy: Proxy) -> None:
    first = proxy.get(PICTURE)
    again = proxy.get(PICTURE, **{"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_pictures_are_kept_and_states_are_not(proxy: Proxy) -> None:
    answers = [proxy.get("/cvae/decode.png?z=0.1,0.2") for _ in range(3)]
    assert {answer.content for answer in answers} == {answers[0].content}
    if proxy.name in KEEPING:
        assert [proxy.was_kept(answer) for answer in answers] == [False, True, True]
        states = [proxy.get("/cvae/health/ready") for _ in range(3)]
        assert not any(map(proxy.was_kept, states))
        kinds = [proxy.get("/cvae/digits/5?seed=9", accept=kind) for kind in 2 * ("image/webp", "image/png")]
        assert [kind.headers["content-type"] for kind in kinds] == 2 * ["image/webp", "image/png"]


def test_nobody_sees_one_of_the_services_stop(proxy: Proxy) -> None:
    first = proxy.services[0]
    first.terminate()
    asked = 0
    while first.poll() is None or asked < 60:
        # None of these has been asked before.
        answer = proxy.get(f"/cvae/decode.png?z=1,{asked}e-3")
        sent = httpx.post(f"{proxy.url}/cvae/decode", json={"z": [1, asked]}, verify=False)
        assert (answer.status_code, sent.status_code) == (200, 200), (asked, answer.text, sent.text)
        asked += 1
    assert first.wait() == 0


@pytest.mark.parametrize(
    ("name", "briefly", "seconds"),
    [
        ("nginx", "proxy_ignore_headers Cache-Control; proxy_cache_valid 200 1s;", 1.1),
        ("varnish", "sub vcl_backend_response { set beresp.ttl = 500ms; }", 0.6),
    ],
)
def test_what_is_past_its_time_is_given_while_it_is_fetched_anew_or_cannot_be(
    folder: pathlib.Path, name: str, briefly: str, seconds: float
) -> None:
    with start_proxy(folder, name, briefly) as proxy:
        first = proxy.get(PICTURE)
        time.sleep(seconds)
        stale = proxy.get(PICTURE)
        assert proxy.was_kept(stale)
        assert stale.content == first.content
        for service in proxy.services:
            service.terminate()
        for service in proxy.services:
            service.wait()
        last = proxy.get(PICTURE)
        assert (last.status_code, last.content) == (200, first.content)
