"""The client in TypeScript: built and checked, and used from Node.js and from a page in Debian's Chromium."""

from __future__ import annotations

import functools
import http.server
import json
import pathlib
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from tests.clients.tools import CLIENTS, NODE, OUT, ROOT, SCHEMA, run

FOLDER = CLIENTS / "typescript"
CHROMIUM = "/usr/bin/chromium"
QUIET = ["--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


@pytest.fixture(scope="module", autouse=True)
def dist() -> pathlib.Path:
    """The folder with the client, built anew."""
    run(["npm", "run", "build"], FOLDER)
    return FOLDER / "dist"


def test_its_tests_are_well_typed() -> None:
    run([NODE / "tsc", "--project", FOLDER / "tsconfig.test.json"])


def test_it_does_what_it_should_in_node(url: str) -> None:
    said = run(["npm", "test"], FOLDER, CVAE_URL=url)
    assert re.search(r"^. pass 16$", said, re.MULTILINE), said
    assert re.search(r"^. (skipped|todo) [^0]", said, re.MULTILINE) is None, said


def test_it_needs_nothing_where_it_runs(dist: pathlib.Path) -> None:
    package = json.loads((FOLDER / "package.json").read_text())
    assert package.get("dependencies", {}) == {}
    assert package["type"] == "module"
    scripts = list(dist.glob("*.js"))
    assert len(scripts) > 5
    for script in scripts:
        for imported in re.findall(r"from \"([^\"]+)\"", script.read_text()):
            assert (dist / imported).is_file(), (script.name, imported)
    assert sum(script.stat().st_size for script in scripts) < 20_000


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Sends files and says nothing of it."""

    def log_message(self, *_: Any, **__: Any) -> None:
        pass


@pytest.fixture
def pages() -> Iterator[str]:
    """The address of the client's folder, another than the service's."""
    handler = functools.partial(Quiet, directory=str(FOLDER))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_it_does_what_it_should_in_a_page(url: str, pages: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *QUIET])
        page = browser.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{pages}/test/page.html?service={url}")
        found = page.wait_for_function("window.found", timeout=20_000).json_value()
        browser.close()
    assert errors == []
    first, *others = found["z_mean"]
    assert others == [first, first]  # a canvas is a canvas
    assert found["labels"] == [1, 1, 1]
    assert found["size"] == [112, 112]
    assert found["moving"] == ["image/gif", 28]
    assert found["ended"] == "AbortError"
    assert found["refused"] == ["ServiceError", 422, "z"]


def test_every_program_of_the_page_about_clients_is_well_typed() -> None:
    text = (ROOT / "docs" / "clients.md").read_text() + (ROOT / "README.md").read_text()
    programs = re.findall(r"```ts\n(.*?)```", text, re.DOTALL)
    assert len(programs) >= 2
    folder = OUT / "docs"
    folder.mkdir(parents=True, exist_ok=True)
    for number, program in enumerate(programs):
        (folder / f"{number}.ts").write_text(program)
    run([NODE / "openapi-typescript", SCHEMA, "--output", folder / "schema.ts"])
    (folder / "tsconfig.json").write_text((CLIENTS / "generated" / "tsconfig.json").read_text())
    run([NODE / "tsc", "--project", folder / "tsconfig.json"])
