from __future__ import annotations

import struct

import pytest
from PIL import features

from service.core.errors import MalformedBodyError, MediaTypeError, TooLargeError
from service.imaging.reading import isobmff
from service.imaging.reading.isobmff import is_isobmff, read_isobmff


def start(*brands: bytes, size: int | None = None) -> bytes:
    """The box of brands: the first is the main one, behind which stands a version."""
    listed = brands[0] + bytes(4) + b"".join(brands[1:])
    return struct.pack(">I", 8 + len(listed) if size is None else size) + b"ftyp" + listed


def sizes(*sides: tuple[int, int]) -> bytes:
    return b"".join(struct.pack(">I4sIII", 20, b"ispe", 0, *pair) for pair in sides)


@pytest.mark.parametrize("brand", [b"avif", b"avis", b"heic", b"heix", b"hevc", b"mif1", b"msf1"])
def test_a_file_is_told_by_any_of_its_brands(brand: bytes) -> None:
    assert is_isobmff(start(brand))
    assert is_isobmff(start(b"isom", b"iso2", brand))
    # The version is no brand, nor is what stands behind the box.
    assert not is_isobmff(struct.pack(">I", 16) + b"ftypisom" + brand)
    assert not is_isobmff(start(b"isom") + brand)
    assert not is_isobmff(start(brand).replace(b"ftyp", b"moov"))


def test_brands_are_looked_for_in_256_bytes() -> None:
    others = [b"isom"] * 60
    assert is_isobmff(start(*others, b"avif"))
    assert not is_isobmff(start(*others, b"isom", b"avif"))
    assert not is_isobmff(start(*others, b"isom", b"avif", size=2**31))


@pytest.mark.parametrize(("brand", "kind"), [(b"avif", "AVIF"), (b"heic", "HEIF")])
def test_the_largest_of_the_sizes_is_the_pictures(brand: bytes, kind: str) -> None:
    content = start(brand) + sizes((40, 30), (37, 400), (300, 49)) + b"pixels"
    file = read_isobmff(content, "body", 3700)
    assert (file.format, file.content, file.width, file.height) == (kind, content, 37, 400)
    assert file.apart
    with pytest.raises(TooLargeError, match="at most 14796 pixels, received 37 x 400"):
        read_isobmff(content, "body", 3699)


def test_the_sizes_stand_in_the_first_megabyte() -> None:
    head = start(b"avif")
    room = bytes(2**20 - len(head) - 20)
    assert read_isobmff(head + room + sizes((5, 6)) + b"pixels", "body", 100).width == 5
    with pytest.raises(MalformedBodyError, match="without a size"):
        read_isobmff(head + room + b"\0" + sizes((5, 6)) + b"pixels", "body", 100)
    with pytest.raises(MalformedBodyError, match="without a size"):
        read_isobmff(head + sizes((5, 6))[:-1], "body", 100)


def test_what_is_not_installed_is_refused_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda name: name != "avif")
    with pytest.raises(MediaTypeError, match=r"WebP file; this Pillow reads no AVIF, received an AVIF file"):
        read_isobmff(start(b"avif") + sizes((5, 6)), "body", 100)
    assert read_isobmff(start(b"heic") + sizes((5, 6)), "body", 100).format == "HEIF"
    monkeypatch.undo()
    monkeypatch.setattr(isobmff, "has_heic", lambda: False)
    with pytest.raises(MediaTypeError, match="with its extra heic, received a HEIC file"):
        read_isobmff(start(b"heic") + sizes((5, 6)), "body", 100)
    assert read_isobmff(start(b"avif") + sizes((5, 6)), "body", 100).format == "AVIF"
