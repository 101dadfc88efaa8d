from __future__ import annotations

import struct

import pytest

from service.imaging.reading.picture_file import PictureFile, find_orientation

SHORT, LONG = 3, 4


def exif(order: str, entries: list[tuple[int, int, int]], count: int | None = None) -> bytes:
    written = b"".join(struct.pack(f"{order}HHIHH", tag, kind, 1, value, 0) for tag, kind, value in entries)
    mark = {"<": b"II*\0", ">": b"MM\0*"}[order]
    return mark + struct.pack(f"{order}IH", 8, len(entries) if count is None else count) + written


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_the_tag_says_how_to_turn(order: str, turn: int) -> None:
    notes = exif(order, [(0x10F, SHORT, 2), (0x112, SHORT, turn), (0x11A, SHORT, 3)])
    for content in (notes, b"Exif\0\0" + notes):
        assert find_orientation(content) == turn
        assert PictureFile("PNG", b"", 1, 1, content).orientation == turn


def test_without_notes_a_picture_is_upright() -> None:
    assert PictureFile("PNG", b"", 1, 1).orientation == 1


@pytest.mark.parametrize(
    "notes",
    [
        b"", b"II*\0\x08\0\0", b"XX*\0\x08\0\0\0\1\0", b"II*\0\x08\0\0\0", exif("<", []),
        exif("<", [(0x112, LONG, 6)]), exif("<", [(0x113, SHORT, 6)]), exif("<", [(0x112, SHORT, 6)], 0),
        exif("<", [(0x112, SHORT, 6)])[:-1], exif("<", [(0x10F, SHORT, 1), (0x112, SHORT, 6)], 1),
    ],
)  # fmt: skip
def test_notes_that_say_nothing_do_no_harm(notes: bytes) -> None:
    assert find_orientation(notes) == 1


def test_as_many_entries_count_as_there_are() -> None:
    assert find_orientation(exif("<", [(0x112, SHORT, 6)], 500)) == 6
    assert find_orientation(exif("<", [(0x112, SHORT, 6), (0x112, SHORT, 3)])) == 6
