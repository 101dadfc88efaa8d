from __future__ import annotations

import struct

import pytest

from service.core.errors import MalformedBodyError, TooLargeError
from service.imaging.reading.tiff_head import read_tiff

SHORT, LONG, RATIONAL = 3, 4, 5


def tiff(order: str, entries: list[tuple[int, int, int]], start: int = 8) -> bytes:
    mark = {"<": b"II*\0", ">": b"MM\0*"}[order]
    # A number of 16 bits lies at the start of its four bytes.
    written = [
        struct.pack(f"{order}HHI", tag, kind, 1)
        + (struct.pack(f"{order}HH", value, 9) if kind == SHORT else struct.pack(f"{order}I", value))
        for tag, kind, value in entries
    ]
    head = mark + struct.pack(f"{order}I", start) + bytes(start - 8)
    return head + struct.pack(f"{order}H", len(entries)) + b"".join(written)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [SHORT, LONG])
@pytest.mark.parametrize("start", [8, 30])
def test_the_size_of_the_first_page_is_read(order: str, kind: int, start: int) -> None:
    content = tiff(order, [(255, SHORT, 1), (256, kind, 37), (257, kind, 21), (258, SHORT, 8)], start)
    file = read_tiff(content, "body", 777)
    assert (file.format, file.content, file.width, file.height) == ("TIFF", content, 37, 21)
    assert file.apart
    with pytest.raises(TooLargeError, match="at most 776 pixels, received 37 x 21"):
        read_tiff(content, "body", 776)
    with pytest.raises(MalformedBodyError, match="it ends early"):
        read_tiff(content[:-3], "body", 777)


@pytest.mark.parametrize("missing", [256, 257])
def test_a_page_without_a_side_is_damaged(missing: int) -> None:
    sides = [(tag, LONG, 5) for tag in (256, 257)]
    with pytest.raises(MalformedBodyError, match="without a size"):
        read_tiff(tiff("<", [side for side in sides if side[0] != missing]), "body", 777)
    other = [(tag, RATIONAL if tag == missing else kind, value) for tag, kind, value in sides]
    with pytest.raises(MalformedBodyError, match=r"of (0 x 5|5 x 0) pixels"):
        read_tiff(tiff("<", other), "body", 777)


def test_a_page_may_have_a_thousand_entries() -> None:
    entries = [(256, LONG, 5), (257, LONG, 6), *[(tag, SHORT, 0) for tag in range(300, 1298)]]
    assert read_tiff(tiff(">", entries), "body", 30).width == 5
    with pytest.raises(MalformedBodyError, match="1001 entries of its first page"):
        read_tiff(tiff(">", [*entries, (1300, SHORT, 0)]), "body", 30)
