"""The site that `make docs` builds: whole, without a warning, and without anything of another host."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import click
import pytest

import service.client
from service.cli.main import cli
from tests.docs.test_pages import FOREIGN, Loads

ROOT = Path(__file__).parents[2]
SITE = ROOT / "build" / "docs"
REFERENCE = SITE / "docs" / "site" / "reference"


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    """Build it; Sphinx's warnings, broken links between pages among them, are errors."""
    # Variables of a `make` that runs the tests are not for this one.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        ["make", "docs"], cwd=ROOT, env=inherited, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


pytestmark = pytest.mark.slow


def test_it_has_every_page_and_the_contents_lead_there() -> None:
    contents = (SITE / "README.html").read_text()
    pages = {f"docs/{page.stem}.html" for page in (ROOT / "docs").glob("*.md")}
    pages |= {f"docs/site/reference/{page.stem}.html" for page in REFERENCE.glob("*.html")}
    assert len(pages) > 20
    for page in pages:
        assert (SITE / page).is_file()
        assert f'href="{page}"' in contents, f"{page} stands in no toctree of docs/site/contents.md"
    assert 'url=README.html"' in (SITE / "index.html").read_text()


def test_the_reference_has_all_that_there_is() -> None:
    client = (REFERENCE / "client.html").read_text()
    for name in service.client.__all__:
        assert f'id="service.client.{name}"' in client
    commands = (REFERENCE / "command-line.html").read_text()
    for command in cli.commands.values():
        for option in command.params:
            if isinstance(option, click.Option):
                assert f">{option.opts[0]}</span>" in commands
    routes = re.sub(r"<[^>]+>", "", (REFERENCE / "http.html").read_text())
    described = json.loads((ROOT / "openapi.json").read_text())["paths"]
    for path, methods in described.items():
        for method in methods:
            assert f"{method.upper()} {path}\N{PILCROW SIGN}" in routes


def test_pages_load_nothing_from_another_host() -> None:
    for page in SITE.rglob("*.html"):
        for address in Loads(page.read_text()).found:
            assert not FOREIGN.match(address), f"{page} loads {address}"
