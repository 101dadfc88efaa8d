"""The playground's files: what they are called, and when their names change."""

from __future__ import annotations

import gzip
import pathlib
import re

import pytest

from service.web.assets import FOLDER, read_assets

# What the page may take before weights, all files together; each visitor loads it once a version.
MAX_PACKED_BYTES = 150_000
# Foreign addresses; a namespace is a name, nothing is loaded from it.
ADDRESS = re.compile(r"(?:https?:)?//[\w.-]+\.\w+")
NAMESPACES = {"http://www.w3.org"}


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    (tmp_path / "js").mkdir()
    (tmp_path / "index.html").write_text('<script src="{root}/playground/{digest}/js/a.js">')
    (tmp_path / "js" / "a.js").write_text("let a;")
    return tmp_path


def test_the_digest_changes_with_each_byte_and_name(folder: pathlib.Path) -> None:
    first = read_assets(folder).digest
    assert read_assets(folder).digest == first
    (folder / "js" / "a.js").write_text("let b;")
    second = read_assets(folder).digest
    (folder / "js" / "a.js").rename(folder / "js" / "b.js")
    assert len({first, second, read_assets(folder).digest}) == 3


def test_the_page_names_its_files_below_the_root_path(folder: pathlib.Path) -> None:
    assets = read_assets(folder)
    assert assets.write_page("/cvae") == f'<script src="/cvae/playground/{assets.digest}/js/a.js">'


def test_the_page_tells_of_each_script_at_once_but_not_of_workers(folder: pathlib.Path) -> None:
    (folder / "index.html").write_text("{modules}")
    (folder / "js" / "some-worker.js").write_text("let w;")
    assets = read_assets(folder)
    assert assets.write_page("") == (
        f'<link rel="modulepreload" href="/playground/{assets.digest}/js/a.js" />'
    )


def test_files_are_packed_once(folder: pathlib.Path) -> None:
    files = read_assets(folder).files
    assert list(files) == ["js/a.js"]
    assert files["js/a.js"].media_type == "text/javascript; charset=utf-8"
    assert gzip.decompress(files["js/a.js"].packed) == b"let a;"


def test_the_whole_page_is_small() -> None:
    assets = read_assets()
    assert sum(len(asset.packed) for asset in assets.files.values()) < MAX_PACKED_BYTES


def test_no_file_names_another_host() -> None:
    for path in FOLDER.rglob("*.*"):
        if path.suffix in (".js", ".css", ".html", ".svg"):
            found = set(ADDRESS.findall(path.read_text()))
            assert found <= NAMESPACES, path
