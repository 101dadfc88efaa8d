from __future__ import annotations

import struct

import pytest

from service.core.errors import MalformedBodyError, TooLargeError
from service.imaging.reading.jpeg_segments import _read_frame, read_jpeg
from service.imaging.reading.picture_file import PictureFile
from tests.service import picture_bombs
from tests.service.picture_bombs import segment

PROGRESSIVE = 0xC2
END = b"\xff\xd9"


def read(content: bytes, max_pixels: int = 16_000_000) -> PictureFile:
    return read_jpeg(content, "body", max_pixels)


def behind_pixels(content: bytes) -> bytes:
    """A picture with this between its last scan and its end."""
    return picture_bombs.progressive_jpeg(2, 16, 16).removesuffix(END) + content + END


def frame(width: int, height: int, *samplings: int) -> bytes:
    """A frame's head: eight bits, its sides, and of each component its name, samplings and table."""
    parts = b"".join(bytes((i + 1, sampling, 0)) for i, sampling in enumerate(samplings))
    return struct.pack(">BHHB", 8, height, width, len(samplings)) + parts


@pytest.mark.parametrize(
    ("samplings", "coefficient_bytes"),
    [
        ([0x11], 2 * 640 * 480),
        ([0x11, 0x11, 0x11], 2 * 640 * 480 * 3),
        ([0x22, 0x11, 0x11], 2 * 640 * 480 * 3 // 2),
        ([0x11, 0x11, 0x11, 0x41], 2 * 640 * 480 * 7 // 4),
    ],
)
def test_a_frame_takes_two_bytes_a_coefficient(samplings: list[int], coefficient_bytes: int) -> None:
    body = frame(640, 480, *samplings)
    found = _read_frame(PROGRESSIVE, body + b"more", "body", 1_000_000)
    assert found == (640, 480, len(samplings), coefficient_bytes, True)
    assert not _read_frame(0xC0, body, "body", 1_000_000).progressive
    with pytest.raises(MalformedBodyError, match="a frame that ends early"):
        _read_frame(PROGRESSIVE, body[:-1], "body", 1_000_000)


@pytest.mark.parametrize(
    ("side", "scale"),
    [(1999, 1), (2000, 2), (3999, 2), (4000, 4), (7999, 4), (8000, 8), (65_535, 8)],
)
def test_the_fraction_leaves_a_thousand_pixels_of_the_longer_side(side: int, scale: int) -> None:
    assert read(picture_bombs.plain_jpeg(side, 8)).scale == scale
    assert read(picture_bombs.plain_jpeg(8, side)).scale == scale


def test_a_picture_may_have_a_thousand_segments() -> None:
    # Beside those given: two tables of codes, one of steps, the frame, the scan, and the end.
    content = picture_bombs.jpeg_of_segments(994, 0xFE, b"note")
    assert read(content).content == picture_bombs.jpeg_of_segments(0)
    with pytest.raises(TooLargeError, match="body: expected at most 1000 segments, received more"):
        read(picture_bombs.jpeg_of_segments(995, 0xFE, b"note"))


def test_tables_may_have_16_kilobytes() -> None:
    kept = len(read(picture_bombs.plain_jpeg(8, 8)).content) - len(segment(0xDA, bytes(6))) - 1 - len(END)
    room = 16_384 - kept - 4
    read(picture_bombs.jpeg_of_segments(1, 0xDB, bytes(room)))
    with pytest.raises(TooLargeError, match="tables of at most 16384 bytes, received more"):
        read(picture_bombs.jpeg_of_segments(1, 0xDB, bytes(room + 1)))


@pytest.mark.parametrize("before", [0, 2**20 - 600, 2**20 - 300, 2**20 - 1, 2**21 - 1000])
def test_a_run_of_1024_fill_bytes_is_found_wherever_it_lies(before: int) -> None:
    fill = bytes(before) + b"\xff" * 1023
    assert read(behind_pixels(fill + b"\0")).content.endswith(fill + b"\0" + END)
    with pytest.raises(MalformedBodyError, match="with 1024 fill bytes"):
        read(behind_pixels(fill + b"\xff\0"))


@pytest.mark.parametrize("shift", range(-3, 4))
def test_a_marker_is_found_across_the_pieces_of_a_search(shift: int) -> None:
    head = picture_bombs.progressive_jpeg(1, 16, 16).removesuffix(END)
    start = head.rindex(b"\xff\xda") + 2 + 8
    pixels = bytes(start + 2**20 + shift - len(head))
    assert read(head + pixels + END + b"behind").content == head + pixels + END


@pytest.mark.parametrize(("junk", "fill", "fits"), [(256, 256, True), (257, 1, False), (0, 257, True)])
def test_a_marker_may_stand_behind_a_few_bytes(junk: int, fill: int, fits: bool) -> None:
    plain = picture_bombs.jpeg_of_segments(0)
    content = plain[:2] + bytes(junk) + b"\xff" * (fill - 1) + plain[2:]
    if fits and fill <= 256:
        assert read(content).content == plain
    else:
        with pytest.raises(MalformedBodyError, match="no marker where one must be"):
            read(content)


@pytest.mark.parametrize("code", [*range(0xE1, 0xEE), 0xEF, 0xFE, 0xDC, 0xE0, 0xEE])
def test_segments_of_applications_are_left_out(code: int) -> None:
    plain = picture_bombs.jpeg_of_segments(0)
    assert read(picture_bombs.jpeg_of_segments(2, code, b"anything")).content == plain


@pytest.mark.parametrize("code", [0x01, 0xBF, 0xC8, 0xDE, 0xDF, 0xF0, 0xFD])
def test_segments_that_nobody_knows_are_refused(code: int) -> None:
    with pytest.raises(MalformedBodyError, match=f"with a marker {code:#x}"):
        read(picture_bombs.jpeg_of_segments(1, code, b"anything"))


@pytest.mark.parametrize(("code", "name"), [(0xE0, b"JFIF\0"), (0xEE, b"Adobe")])
def test_what_says_how_colours_are_stored_is_kept_without_its_preview(code: int, name: bytes) -> None:
    note = name + bytes(range(14 - len(name)))
    kept = read(picture_bombs.jpeg_of_segments(1, code, note + b"preview")).content
    assert kept == picture_bombs.jpeg_of_segments(1, code, note)


def test_the_first_exif_counts() -> None:
    notes = [b"Exif\0\0II*\0first", b"Exif\0\0II*\0next", b"http:"]
    plain = picture_bombs.jpeg_of_segments(0)
    segments = b"".join(segment(0xE1, note) for note in (notes[2], *notes[:2]))
    assert read(plain[:2] + segments + plain[2:]).exif == notes[0]


@pytest.mark.parametrize(("pixels", "allowed"), [((16, 16), 100), ((2000, 2000), 100), ((4000, 5000), 20)])
def test_the_last_scan_that_is_allowed_is_read(pixels: tuple[int, int], allowed: int) -> None:
    read(picture_bombs.progressive_jpeg(allowed, *pixels))
    size = pixels[0] * pixels[1]
    with pytest.raises(TooLargeError, match=f"at most {allowed} scans of {size} pixels, received more"):
        read(picture_bombs.progressive_jpeg(allowed + 1, *pixels))


def test_a_large_picture_may_have_twelve_scans() -> None:
    read(picture_bombs.progressive_jpeg(12, 8000, 8000))
    with pytest.raises(TooLargeError, match="at most 12 scans of 64000000 pixels"):
        read(picture_bombs.progressive_jpeg(13, 8000, 8000))


def test_the_coefficients_of_a_progressive_picture_are_bounded() -> None:
    # Two bytes for each of its pixels, and twelve for each of so many that are allowed.
    content = picture_bombs.progressive_jpeg(1, 4002, 8)
    assert read(content, 5336).width == 4002
    with pytest.raises(TooLargeError, match="at most 64020 bytes of coefficients, received 64032"):
        read(content, 5335)


def test_a_baseline_picture_in_one_scan_holds_no_coefficients() -> None:
    content = picture_bombs.plain_jpeg(4002, 8)
    assert read(content, 2001).scale == 4
    with pytest.raises(TooLargeError, match="at most 32000 pixels, received 4002 x 8"):
        read(content, 2000)


def test_pixels_behind_no_frame_and_a_frame_without_components_are_damaged() -> None:
    with pytest.raises(MalformedBodyError, match="pixels without a frame"):
        read(b"\xff\xd8" + segment(0xDA, bytes(6)) + END)
    with pytest.raises(MalformedBodyError, match="without a frame"):
        read(b"\xff\xd8" + segment(0xDB, bytes(65)) + segment(0xDA, bytes(6)) + END)
    with pytest.raises(MalformedBodyError, match="a frame without components"):
        read(b"\xff\xd8" + segment(0xC0, struct.pack(">BHHB", 8, 8, 8, 0)) + END)


def test_a_segment_has_its_length() -> None:
    head = picture_bombs.jpeg_of_segments(0)
    for length, fits in ((1, False), (2, True)):
        content = head[:2] + b"\xff\xfe" + length.to_bytes(2, "big") + head[2:]
        if fits:
            assert read(content).content == head
        else:
            with pytest.raises(MalformedBodyError, match="it ends early"):
                read(content)
    # A last segment that ends with the file has no end behind it, which many lack.
    whole = head[: head.rindex(b"\xff\xda") + 2 + 8]
    assert read(whole).content == whole
    with pytest.raises(MalformedBodyError, match="it ends early"):
        read(whole[:-1])
