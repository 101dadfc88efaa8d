"""The pages /docs and /redoc without a network: nothing that a browser loads for them is another host's.

Allowed are links that someone has to click, XML namespaces and identifiers of schemas, which are names and no
addresses, and texts inside of the scripts that name makers' pages: nobody asks for those.
"""

from __future__ import annotations

import base64
import hashlib
import html.parser
import json
import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from service.core.settings import Settings
from service.server import pages
from service.server.app import create_app
from service.server.openapi_export import write_schema

PAGES = ("/docs", "/redoc")
# What loads what these attributes name.
LOADING = {("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src"), ("source", "src")}
HOST = "[A-Za-z0-9.-]+\\.[a-z]{2,}"
FOREIGN = re.compile(rf"(?:https?:)?//({HOST})")
# What a style sheet loads, and a script by itself: `src="..."`, `fetch("...")`, `import("...")`, `url(...)`.
LOADED = re.compile(
    r"(?:\bsrc\s*[:=]|\b(?:fetch|url)\s*\(|\bimport\s*\(?)\s*[\"'`]?"
    rf"((?:https?:)?//{HOST}[^\s\"'`<>)\\]*)"
)
# Swagger UI would ask it whether the schema is valid, and is told not to.
UNUSED = {"validator.swagger.io"}
# Namespaces, identifiers, links to makers and standards, and what examples in comments and tests name.
NAMED = {
    "datatracker.ietf.org",
    "example.com",
    "fb.me",
    "git.io",
    "github.com",
    "i.test",
    "instagram.com",
    "json-schema.org",
    "marked.js.org",
    "raw.githubusercontent.com",
    "reactjs.org",
    "redocly.com",
    "redux.js.org",
    "soundcloud.com",
    "spdx.org",
    "spec.openapis.org",
    "stackoverflow.com",
    "swagger.io",
    "twitter.com",
    "vladimirgorej.com",
    "www.facebook.com",
    "www.rfc-editor.org",
    "www.tiktok.com",
    "www.w3.org",
}


@pytest.fixture(scope="module")
def client() -> TestClient:
    """The application without its models, which the pages do not need."""
    return TestClient(create_app(Settings.model_construct()))


class Loads(html.parser.HTMLParser):
    """Collects what a page loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if (tag, name) in LOADING]


def files(client: TestClient) -> Iterator[tuple[str, str]]:
    """The address and the text of each file that the pages load, and of the pages."""
    for page in PAGES:
        text = client.get(page).text
        yield page, text
        for address in Loads(text).found:
            assert address.startswith("/"), f"{page} loads {address}"
            assert not address.startswith("//"), f"{page} loads {address}"
            answer = client.get(address)
            assert answer.status_code == 200, address
            if not answer.headers["content-type"].startswith("image/"):
                yield address, answer.text


def test_the_pages_load_scripts_styles_and_icons_from_here(client: TestClient) -> None:
    kinds = {address.rpartition(".")[2] for page in PAGES for address in Loads(client.get(page).text).found}
    assert kinds == {"js", "css", "png"}


def test_no_page_script_or_style_loads_from_another_host(client: TestClient) -> None:
    for address, text in files(client):
        assert LOADED.findall(text) == [], address
        foreign = set(FOREIGN.findall(text))
        known = NAMED | UNUSED
        assert foreign <= known, f"{address}: {foreign - known}: does a browser load from there?"


def test_what_would_load_from_another_host_is_found() -> None:
    for text in (
        '<script src="https://cdn.example.org/x.js">',
        '@import "//fonts.example.org/css";',
        "@font-face{src:url(https://fonts.example.org/a.woff2)}",
        'e("img",{src:"https://cdn.example.org/logo.svg"})',
        "fetch(`https://api.example.org/v1`)",
    ):
        assert LOADED.findall(text), text
    assert not LOADED.findall('<a href="https://example.org/">, xmlns="http://www.w3.org/2000/svg"')


def test_the_policy_refuses_other_hosts_and_what_is_put_into_a_page(client: TestClient) -> None:
    for page in PAGES:
        policy = client.get(page).headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'")
        words = {word for part in policy.split("; ") for word in part.split()[1:]}
        assert {word for word in words if not word.startswith("'sha256-")} == {
            "'none'",
            "'self'",
            "blob:",
            "data:",
        }
        scripts = next(part for part in policy.split("; ") if part.startswith("script-src")).split()[2:]
        written = re.findall(r"<script>(.*?)</script>", client.get(page).text, re.DOTALL)
        assert scripts == [f"'sha256-{digest(text)}'" for text in written]


def digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_the_script_of_the_reference_has_one_logo_less(client: TestClient) -> None:
    original = pages.FILE.read_bytes()
    assert original.count(pages.LOGO) == 1
    answer = client.get(pages.PATH)
    assert answer.content == original.replace(pages.LOGO, pages.NO_LOGO)
    assert answer.headers["content-type"].startswith("text/javascript")
    again = client.get(pages.PATH, headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_no_validator_is_asked(client: TestClient) -> None:
    assert '"validatorUrl": null' in client.get("/docs").text


def test_the_pages_show_the_schema_of_the_file(client: TestClient) -> None:
    for page in PAGES:
        assert re.search(r"(url: |spec-url=)['\"]/openapi.json['\"]", client.get(page).text)
    assert client.get("/openapi.json").json() == json.loads(write_schema())


def test_the_schema_is_written_once(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    first = client.get("/openapi.json")
    assert first.json() == json.loads(write_schema())
    assert first.headers["content-type"] == "application/json"
    monkeypatch.setattr(json, "dumps", None)
    assert client.get("/openapi.json").content == first.content
