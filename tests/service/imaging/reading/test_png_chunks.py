from __future__ import annotations

import struct
import zlib

import pytest

from service.core.errors import MalformedBodyError, TooLargeError
from service.imaging.reading.picture_file import PictureFile
from service.imaging.reading.png_chunks import read_png, read_size
from tests.service import picture_bombs
from tests.service.picture_bombs import PNG_START, png_chunk

GREY, COLOUR, PALETTE, GREY_ALPHA, COLOUR_ALPHA = 0, 2, 3, 4, 6


def read(content: bytes) -> PictureFile:
    return read_png(content, "body", 1_000_000)


def build(*chunks: tuple[bytes, bytes], width: int = 4, height: int = 2, kind: int = GREY) -> bytes:
    """A PNG of a head, these chunks, and an end."""
    head = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    whole = ((b"IHDR", head), *chunks, (b"IEND", b""))
    return PNG_START + b"".join(png_chunk(*chunk) for chunk in whole)


def test_the_size_is_read_of_the_head_alone() -> None:
    content = picture_bombs.png(37, 21)
    assert read_size(content) == read_size(content[:24]) == (37, 21)
    assert read_size(content[:23]) is None
    assert read_size(b"\0" + content[1:]) is None


def test_only_what_is_needed_is_kept() -> None:
    notes = ((b"tEXt", b"k\0v"), (b"gAMA", bytes(4)), (b"eXIf", b"II*\0"))
    read_file = read(build(*notes, (b"IDAT", b"one"), (b"PLTE", bytes(3)), (b"IDAT", b"two")))
    assert read_file.content == build((b"IDAT", b"onetwo"))
    assert read_file.exif == b"II*\0"
    assert read_file.packed == ("L", b"onetwo")


@pytest.mark.parametrize("given", [3, 5, 6, 768, 769, 900])
def test_a_palette_has_whole_colours_of_which_256_count(given: int) -> None:
    colours = bytes(i % 251 for i in range(given))
    kept = colours[: min(given, 768) // 3 * 3]
    content = build((b"PLTE", colours), (b"IDAT", b""), kind=PALETTE)
    assert read(content).content == build((b"PLTE", kept), (b"IDAT", b""), kind=PALETTE)
    with pytest.raises(MalformedBodyError, match="colours of a palette that is not there"):
        read(build((b"PLTE", colours[:2]), (b"IDAT", b""), kind=PALETTE))


@pytest.mark.parametrize(
    ("kind", "needed"), [(GREY, 2), (COLOUR, 6), (PALETTE, 1), (GREY_ALPHA, 0), (COLOUR_ALPHA, 0)]
)
def test_transparency_is_kept_where_a_decoder_reads_it(kind: int, needed: int) -> None:
    palette = ((b"PLTE", bytes(3)),) if kind == PALETTE else ()
    for given in range(9):
        chunk = (b"tRNS", bytes(range(given)))
        kept = (chunk,) if needed and given >= needed else ()
        found = read(build(*palette, chunk, (b"IDAT", b""), kind=kind))
        assert found.content == build(*palette, *kept, (b"IDAT", b""), kind=kind)
        assert (found.packed is None) == bool(kept or palette)


@pytest.mark.parametrize(
    ("width", "kind", "samples"),
    [(4, GREY, 1), (5, COLOUR, 3), (4, PALETTE, 1), (3, GREY_ALPHA, 2), (4, COLOUR_ALPHA, 4)],
)
def test_packed_pixels_may_take_more_bytes_than_plain_ones_by_little(
    width: int, kind: int, samples: int
) -> None:
    most = (width * samples + 9) * 2 + 65_536
    palette = ((b"PLTE", bytes(3)),) if kind == PALETTE else ()
    read(build(*palette, (b"IDAT", bytes(most)), width=width, kind=kind))
    message = rf"no more bytes than {width} x 2 pixels take, received {most + 1} packed bytes"
    with pytest.raises(TooLargeError, match=message):
        read(build(*palette, (b"IDAT", bytes(most + 1)), width=width, kind=kind))


def test_a_picture_may_have_twenty_thousand_chunks() -> None:
    # The end is one of them.
    read(build(*[(b"IDAT", b"")] * 19_999))
    with pytest.raises(TooLargeError, match="at most 20000 chunks, received more"):
        read(build(*[(b"IDAT", b"")] * 20_000))


def test_a_picture_may_lack_its_last_chunk_but_no_part_of_another() -> None:
    whole = build((b"IDAT", b"pixels"))
    for missing in range(1, 13):
        assert read(whole[:-missing]).content == whole
    with pytest.raises(MalformedBodyError, match="it ends early"):
        read(whole[:-13])


def test_a_wrong_checksum_matters_where_the_chunk_does() -> None:
    content = bytearray(build((b"eXIf", b"II*\0"), (b"IDAT", b"pixels")))
    content[content.index(b"eXIf") + 4] ^= 1
    assert read(bytes(content)).exif == b""
    name = content.index(b"IDAT")
    content[name + 4] ^= 1
    with pytest.raises(MalformedBodyError, match="the checksum of b'IDAT' is wrong"):
        read(bytes(content))
    assert zlib.crc32(content[name : name + 10]) != struct.unpack_from(">I", content, name + 10)[0]


def test_the_first_of_several_chunks_of_a_name_counts() -> None:
    content = build((b"PLTE", b"abc"), (b"PLTE", b"def"), (b"IDAT", b""), kind=PALETTE)
    assert read(content).content == build((b"PLTE", b"abc"), (b"IDAT", b""), kind=PALETTE)
