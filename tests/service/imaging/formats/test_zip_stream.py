from __future__ import annotations

import io
import stat
import struct
import zipfile
from collections.abc import Iterator

import pytest

from service.imaging.formats.zip_stream import zip_entries

ENTRIES = [("1.png", b"one"), ("folder/2.png", b""), ("grün.png", bytes(range(256)) * 5)]


@pytest.mark.parametrize("count", range(len(ENTRIES) + 1))
def test_another_reader_finds_every_entry(count: int) -> None:
    content = b"".join(zip_entries(ENTRIES[:count]))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert [(name, archive.read(name)) for name in archive.namelist()] == ENTRIES[:count]


def test_entries_are_stored_and_may_be_read_once_unpacked() -> None:
    with zipfile.ZipFile(io.BytesIO(b"".join(zip_entries(ENTRIES)))) as archive:
        for entry in archive.infolist():
            assert entry.compress_type == zipfile.ZIP_STORED
            assert entry.date_time == (1980, 1, 1, 0, 0, 0)
            assert stat.filemode(entry.external_attr >> 16) == "-rw-r--r--"


def test_equal_entries_give_equal_bytes() -> None:
    assert b"".join(zip_entries(ENTRIES)) == b"".join(zip_entries(iter(ENTRIES)))


def test_each_entry_leaves_before_the_next_is_made() -> None:
    made = []

    def make() -> Iterator[tuple[str, bytes]]:
        for entry in ENTRIES:
            made.append(entry[0])
            yield entry

    pieces = zip_entries(make())
    for index, (name, content) in enumerate(ENTRIES):
        piece = next(pieces)
        assert len(made) == index + 1
        assert piece.endswith(name.encode() + content)
    assert len(next(pieces)) > 0
    assert next(pieces, None) is None


def test_an_entry_starts_with_its_size_for_those_who_read_as_it_arrives() -> None:
    for piece, (_, content) in zip(zip_entries(ENTRIES), ENTRIES, strict=False):
        flags, sizes = struct.unpack_from("<H", piece, 6)[0], struct.unpack_from("<II", piece, 18)
        assert not flags & 0x08  # the size follows the content
        assert sizes == (len(content), len(content))
