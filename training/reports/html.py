"""Write the HTML of a report: one file that needs no other, no script and no network. Values in, text out."""

from __future__ import annotations

import base64
import dataclasses
import html
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.evaluation import plots

Floats = NDArray[np.float32]

STYLE = """
:root { color-scheme: light dark; --line: #8886; --note: #666 }
@media (prefers-color-scheme: dark) { :root { --note: #aaa } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem }
h1, h2 { line-height: 1.2 } h2 { margin-top: 2.5rem }
p.note, figcaption, caption { color: var(--note); text-align: left }
figure { margin: 1rem 0 } figcaption { font-size: .9rem }
img { max-width: 100%; height: auto; image-rendering: pixelated; background: #000 }
img.plot { image-rendering: auto; background: #fff }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .2rem .7rem; border-bottom: 1px solid var(--line); text-align: right }
th:first-child, td:first-child { text-align: left }
"""


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        title: Its heading.
        text: A sentence or more about what follows; plain.
        parts: HTML, from the functions below.
    """

    title: str
    text: str
    parts: tuple[str, ...]


def render(title: str, text: str, sections: Sequence[Section]) -> str:
    """Return the page.

    Args:
        title: Of the page, plain.
        text: Below it, plain.
        sections: In their order.

    Returns:
        HTML.
    """
    body = "".join(
        f"<section><h2>{html.escape(part.title)}</h2><p class=note>{html.escape(part.text)}</p>"
        f"{''.join(part.parts)}</section>\n"
        for part in sections
    )
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head>\n"
        f"<body><h1>{html.escape(title)}</h1><p>{html.escape(text)}</p>\n{body}</body></html>\n"
    )


def table(caption: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table; the first cell of a row is its heading."""
    heads = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in head)
    lines = "".join(
        f'<tr><th scope="row">{html.escape(str(first))}</th>'
        f"{''.join(f'<td>{html.escape(str(cell))}</td>' for cell in rest)}</tr>"
        for first, *rest in rows
    )
    return (
        f"<div class=wide><table><caption>{html.escape(caption)}</caption>"
        f"<thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def sheet(image: Floats, columns: int, caption: str) -> str:
    """Return pictures as one, row by row.

    Args:
        image: `(n, height, width, channels)` float32 in [0, 1]; 1 or 3 channels.
        columns: Pictures in a row; the last row is filled with black.
        caption: What is seen; also for who cannot see it.

    Returns:
        HTML; the picture is enlarged pixel by pixel.
    """
    pixels = plots.tile(np.round(image * 255).astype(np.uint8), columns)
    across = pixels.shape[1]
    return picture(plots.write_png(pixels), caption, across * max(1, min(4, 900 // across)))


def picture(png: bytes, caption: str, width: int | None = None) -> str:
    """Return a PNG file as a figure, a plot unless a width is given in CSS pixels."""
    data, text = base64.b64encode(png).decode(), html.escape(caption, quote=True)
    size = f' width="{width}"' if width else " class=plot"
    return (
        f'<figure><img src="data:image/png;base64,{data}" alt="{text}"{size}>'
        f"<figcaption>{text}</figcaption></figure>"
    )
