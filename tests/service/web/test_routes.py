"""The playground over HTTP: its page, its files, how long they keep, and how it is turned off."""

from __future__ import annotations

import pathlib
import re

import pytest
from fastapi.testclient import TestClient

from service.core.settings import Settings
from service.http.caching import PINNED
from service.server.app import create_app
from service.web.routes import takes_gzip

LOADED = re.compile(r'(?:src|href)="([^"]+\.(?:js|css|svg))"')


def test_the_page_may_load_its_own_files_and_nothing_else(client: TestClient) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


def test_the_page_has_neither_script_nor_style_of_its_own(client: TestClient) -> None:
    text = client.get("/").text
    assert re.findall(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", text) == []


def test_every_file_that_the_page_names_is_there_for_ever(client: TestClient) -> None:
    found = LOADED.findall(client.get("/").text)
    assert {address.rpartition(".")[2] for address in found} == {"js", "css", "svg"}
    for address in found:
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert answer.headers["cache-control"] == PINNED
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["vary"] == "Accept-Encoding"


def test_a_client_without_gzip_gets_the_file_as_it_is(client: TestClient) -> None:
    address = LOADED.findall(client.get("/").text)[0]
    plain = client.get(address, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == client.get(address).content


@pytest.mark.parametrize(
    ("accepted", "taken"),
    [("gzip", True), ("br, GZIP;q=0.5", True), ("gzip;q=0", False), ("gzip; q=0.0", False), ("br", False)],
)
def test_gzip_is_sent_to_those_who_take_it(accepted: str, taken: bool) -> None:
    assert takes_gzip(accepted) is taken


def test_files_of_another_version_and_other_paths_are_not_there(client: TestClient) -> None:
    address = LOADED.findall(client.get("/").text)[0]
    digest = address.split("/")[2]
    for path in (
        address.replace(digest, "0" * 16),
        f"/playground/{digest}/none.js",
        f"/playground/{digest}/index.html",
        f"/playground/{digest}/../routes.py",
        f"/playground/{digest}/%2e%2e/routes.py",
    ):
        answer = client.get(path)
        assert answer.status_code == 404, path
        assert answer.headers["cache-control"] == "no-store"


def test_the_page_works_under_a_path(models_dir: pathlib.Path) -> None:
    with TestClient(create_app(Settings(models_dir=models_dir, root_path="/cvae"))) as client:
        found = LOADED.findall(client.get("/cvae/").text)
        assert found
        assert all(client.get(address).status_code == 200 for address in found)


def test_turned_off_the_root_leads_to_the_documentation(models_dir: pathlib.Path) -> None:
    for root_path in ("", "/cvae"):
        settings = Settings(models_dir=models_dir, playground="off", root_path=root_path)
        with TestClient(create_app(settings)) as client:
            answer = client.get("/", follow_redirects=False)
            assert answer.headers["location"] == f"{root_path}/docs"
            assert client.get("/playground/0/main.js").status_code == 404
