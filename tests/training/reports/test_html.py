from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
from PIL import Image

from training.reports import html
from training.reports.html import Section


class Reader(HTMLParser):
    """Notes the elements, and that what is opened is closed."""

    VOID = frozenset({"meta", "img"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_page_is_whole_and_escapes_what_it_is_given() -> None:
    parts = (html.table("a < b", ["", "x & y"], [["<b>", 1], ["two", "<i>"]]),)
    text = html.render("A <title>", 'it\'s "so"', [Section("One & two", "a > b", parts)])
    reader = Reader(text)
    assert reader.open == []
    assert not {"b", "i", "script"} & {tag for tag, _ in reader.seen}
    assert "<h1>A &lt;title&gt;</h1>" in text
    assert "&lt;i&gt;" in text


def test_nothing_is_asked_of_the_network() -> None:
    image = np.zeros((1, 2, 2, 1), np.float32)
    parts = (html.sheet(image, 1, "c"), html.picture(b"png", "c"))
    reader = Reader(html.render("t", "t", [Section("s", "s", parts)]))
    links = [attrs.get("src") or attrs.get("href") or "" for _, attrs in reader.seen]
    assert [link[:22] for link in links if link] == ["data:image/png;base64,"] * 2
    policy = next(attrs["content"] for _, attrs in reader.seen if "http-equiv" in attrs)
    assert policy is not None
    assert policy.startswith("default-src 'none'")


def test_a_sheet_has_its_pictures_row_by_row() -> None:
    image = np.zeros((5, 2, 3, 3), np.float32)
    image[:] = np.linspace(0, 1, 5)[:, None, None, None]
    figure = html.sheet(image, 2, "what < is seen")
    assert 'alt="what &lt; is seen"' in figure
    found = re.search(r"base64,([^\"]+)", figure)
    assert found is not None
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(found[1]))))
    assert pixels.shape == (6, 6, 3)
    assert pixels[::2, ::3, 0].tolist() == [[0, 64], [128, 191], [255, 0]]
