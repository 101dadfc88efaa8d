"""Write the HTML of a report: one file that needs no other, no script and no network. Values in, text out."""

from __future__ import annotations

import base64
import dataclasses
import html
import io
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]

# Colours that are told apart by the colour-blind too (Okabe & Ito 2008), on light and dark ground.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
WIDTH, HEIGHT, LEFT, BOTTOM = 640, 220, 56, 28
STYLE = """
:root { color-scheme: light dark; --line: #8886; --note: #666 }
@media (prefers-color-scheme: dark) { :root { --note: #aaa } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem }
h1, h2 { line-height: 1.2 } h2 { margin-top: 2.5rem }
p.note, figcaption, caption { color: var(--note); text-align: left }
figure { margin: 1rem 0 } figcaption { font-size: .9rem }
img { max-width: 100%; height: auto; image-rendering: pixelated; background: #000 }
img.plot { image-rendering: auto; background: #fff }
svg { max-width: 100%; height: auto } svg text { fill: currentColor; font-size: 12px }
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
    count, height, width, channels = image.shape
    rows = -(-count // columns)
    filled = np.zeros((rows * columns, height, width, channels), np.uint8)
    filled[:count] = np.round(image * 255)
    pixels = filled.reshape(rows, columns, height, width, channels).transpose(0, 2, 1, 3, 4)
    pixels = pixels.reshape(rows * height, columns * width, channels)
    file = io.BytesIO()
    Image.fromarray(pixels.squeeze(2) if channels == 1 else pixels).save(file, "PNG", optimize=True)
    times = max(1, min(4, 900 // (columns * width)))
    return picture(file.getvalue(), caption, columns * width * times)


def picture(png: bytes, caption: str, width: int | None = None) -> str:
    """Return a PNG file as a figure, a plot unless a width is given in CSS pixels."""
    data, text = base64.b64encode(png).decode(), html.escape(caption, quote=True)
    size = f' width="{width}"' if width else " class=plot"
    return (
        f'<figure><img src="data:image/png;base64,{data}" alt="{text}"{size}>'
        f"<figcaption>{text}</figcaption></figure>"
    )


def curves(caption: str, series: Mapping[str, Sequence[float]]) -> str:
    """Return lines over epochs.

    Args:
        caption: What they are, with its unit.
        series: By name, a value an epoch, from the first.

    Returns:
        HTML with an SVG.
    """
    values = np.concatenate([np.asarray(line, float) for line in series.values()])
    # The first epochs tower above all others; what matters lies below.
    low, high = float(values.min()), float(np.quantile(values, 0.97))
    high = max(high, low + 1e-6)
    epochs = max(len(line) for line in series.values())
    lines, names = [], []
    for i, (name, line) in enumerate(series.items()):
        points = " ".join(
            f"{_scale(x, 0, max(1, epochs - 1), LEFT, WIDTH - 8):.1f},"
            f"{_scale(min(y, high), low, high, HEIGHT - BOTTOM, 8):.1f}"
            for x, y in enumerate(line)
        )
        colour = COLOURS[i % len(COLOURS)]
        lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
        names.append(f'<span style="color:{colour}">■</span> {html.escape(name)}')
    ticks = "".join(
        f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{value:.1f}</text>'
        for value, y in ((low, HEIGHT - BOTTOM), (high, 8))
    )
    text = html.escape(caption, quote=True)
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img" aria-label="{text}">'
        f'<path d="M{LEFT} 8V{HEIGHT - BOTTOM}H{WIDTH - 8}" fill="none" stroke="currentColor" opacity=".4"/>'
        f"{''.join(lines)}{ticks}"
        f'<text x="{LEFT}" y="{HEIGHT - 8}">1</text>'
        f'<text x="{WIDTH - 8}" y="{HEIGHT - 8}" text-anchor="end">epoch {epochs}</text></svg>'
        f"<figcaption>{text}: {', '.join(names)}</figcaption></figure>"
    )


def _scale(value: float, low: float, high: float, start: float, end: float) -> float:
    return start + (value - low) / (high - low) * (end - start)
