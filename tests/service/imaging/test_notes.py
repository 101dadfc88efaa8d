from __future__ import annotations

import io
import struct
import zlib
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from service.core.media_types import APNG, PNG, WEBP
from service.imaging.formats.apng import write_apng
from service.imaging.formats.png import write_png
from service.imaging.formats.webp import write_webp
from service.imaging.notes import MOST_BYTES, add_note, read_note

FRAMES = np.random.RandomState(0).randint(0, 256, (3, 9, 14, 3), np.uint8)
NOTE = b'{"model":"a<b&c","z":[[0.5,-1.0]]}'
FILES = {
    "png": (PNG, write_png(FRAMES[0])),
    "grey png": (PNG, write_png(FRAMES[0, ..., :1])),
    "apng": (APNG, write_apng(FRAMES, 100, 0)),
    "webp": (WEBP, write_webp(FRAMES[:1], 100, 0)),
    "large webp": (WEBP, write_webp(np.zeros((1, 3000, 2, 1), np.uint8), 100, 0)),
    "moving webp": (WEBP, write_webp(FRAMES, 100, 2)),
}


def read(content: bytes) -> tuple[list[Any], dict[str, Any]]:
    with Image.open(io.BytesIO(content)) as image:
        frames = []
        for index in range(getattr(image, "n_frames", 1)):
            image.seek(index)
            frames.append(np.asarray(image.convert("RGB")))
        facts: dict[str, Any] = {**image.info, "size": image.size}  # type: ignore[dict-item]
        return frames, facts


@pytest.mark.parametrize("kind", FILES)
def test_a_note_leaves_the_pixels_as_they_are_and_comes_back(kind: str) -> None:
    media_type, content = FILES[kind]
    noted = add_note(media_type, content, NOTE)
    (before, facts), (after, found) = read(content), read(noted)
    np.testing.assert_array_equal(after, before)
    assert {name: found[name] for name in facts} == facts
    assert read_note(noted) == NOTE
    assert read_note(content) is None


def test_other_programs_find_the_note() -> None:
    _, facts = read(add_note(*FILES["png"], NOTE))
    assert facts["cvae"] == NOTE.decode()
    for kind in ("webp", "moving webp"):
        _, facts = read(add_note(*FILES[kind], NOTE))
        (text,) = ElementTree.fromstring(facts["xmp"]).itertext()
        assert text == NOTE.decode()


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_ends_early_has_no_note_or_its_beginning(kind: str) -> None:
    noted = add_note(*FILES[kind], NOTE)
    for length in range(0, len(noted), 7):
        found = read_note(noted[:length])
        assert found is None or NOTE.startswith(found)


@given(st.binary(max_size=64))
def test_any_bytes_are_read(content: bytes) -> None:
    for start in (b"", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP"):
        assert read_note(start + content) is None


def test_a_long_note_and_one_far_behind_are_not_looked_at() -> None:
    media_type, content = FILES["png"]
    assert read_note(add_note(media_type, content, b" " * (MOST_BYTES + 1))) is None
    chunk = struct.pack(">I4sI", 0, b"eXtr", zlib.crc32(b"eXtr"))
    noted = add_note(media_type, content, NOTE)
    assert read_note(noted[:33] + chunk * 1000 + noted[33:]) == NOTE
    assert read_note(noted[:33] + chunk * 2000 + noted[33:]) is None


def test_the_longest_note_that_is_looked_at_is_read() -> None:
    media_type, content = FILES["png"]
    note = b" " * 131_072
    assert read_note(add_note(media_type, content, note)) == note
    assert read_note(add_note(media_type, content, note + b" ")) is None
