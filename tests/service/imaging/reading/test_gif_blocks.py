from __future__ import annotations

import struct

import pytest

from service.core.errors import MalformedBodyError, TooLargeError
from service.imaging.reading.gif_blocks import MAX_BLOCKS, read_gif
from service.imaging.reading.picture_file import PictureFile

CONTROL = b"\x21\xf9\4\1\7\0\5\0"
DATA = b"\2" + b"\3abc" + b"\1d" + b"\0"


def head(width: int = 9, height: int = 7, flags: int = 0) -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", width, height, flags, 0, 0)


def frame(left: int = 0, top: int = 0, columns: int = 9, rows: int = 7, flags: int = 0) -> bytes:
    return b"," + struct.pack("<4HB", left, top, columns, rows, flags)


def read(content: bytes) -> PictureFile:
    return read_gif(content, "body", 10_000)


@pytest.mark.parametrize("bits", range(8))
def test_tables_of_colours_are_kept(bits: int) -> None:
    table = bytes(i % 256 for i in range(3 * 2 ** (bits + 1)))
    own = head(flags=0x80 | bits) + table + frame() + DATA + b";"
    assert read(own + b"behind").content == own
    local = head() + frame(flags=0x80 | bits) + table + DATA + b";"
    assert read(local).content == local
    # Without the flag, the bits say how many colours there might be.
    none = head(flags=bits) + frame(flags=bits) + DATA + b";"
    assert read(none).content == none


def test_of_extensions_the_last_control_is_kept() -> None:
    note, other = b"\x21\xfe\2no\0", CONTROL.replace(b"\7", b"\6")
    content = head() + note + other + note + CONTROL + note + frame() + DATA + frame() + DATA + b";"
    assert read(content).content == head() + CONTROL + frame() + DATA + b";"
    longer = b"\x21\xf9\5\1\7\0\5\0\0"
    assert read(head() + longer + frame() + DATA + b";").content == head() + frame() + DATA + b";"


@pytest.mark.parametrize(
    ("place", "size"),
    [((0, 0, 9, 7), (9, 7)), ((3, 2, 6, 5), (9, 7)), ((3, 0, 7, 7), (10, 7)), ((0, 4, 9, 5), (9, 9))],
)
def test_a_frame_beyond_the_screen_makes_it_larger(
    place: tuple[int, int, int, int], size: tuple[int, int]
) -> None:
    file = read(head() + frame(*place) + DATA + b";")
    assert (file.format, file.width, file.height) == ("GIF", *size)


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (0, 0)])
def test_a_frame_of_no_pixels_is_damaged(size: tuple[int, int]) -> None:
    with pytest.raises(MalformedBodyError, match=f"a frame of {size[0]} x {size[1]} pixels"):
        read(head() + frame(0, 0, *size) + DATA + b";")


def test_another_block_in_place_of_the_frame_is_damaged() -> None:
    with pytest.raises(MalformedBodyError, match="without a frame"):
        read(head() + b";" + frame() + DATA)


def test_a_file_that_ends_early_is_damaged() -> None:
    content = head() + CONTROL + frame() + DATA
    assert read(content).content == content + b";"
    for length in range(6, len(content)):
        with pytest.raises(MalformedBodyError, match="it ends early"):
            read(content[:length])


@pytest.mark.parametrize("where", ["before", "within"])
def test_blocks_are_counted_to_the_limit(where: str) -> None:
    def write(blocks: int) -> bytes:
        # Of the limit one is never reached; three end a frame or an extension.
        if where == "before":
            return head() + b"\x21\xfe" + b"\1c" * (blocks - 4) + b"\0" + frame() + DATA + b";"
        return head() + frame() + b"\2" + b"\1c" * (blocks - 1) + b"\0;"

    assert read(write(MAX_BLOCKS - 1)).width == 9
    with pytest.raises(TooLargeError, match="at most 100000 blocks before the second frame, received more"):
        read(write(MAX_BLOCKS))
