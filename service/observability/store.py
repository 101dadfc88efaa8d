"""Numbers by key, in memory or in a file that the other workers read.

A file is one number that says how many bytes are used, then records: the lengths of the key and of the
values, the key, and the values. Invariants: a record is whole before it counts as used, so that a reader
needs no lock; a key that takes the place of another has its quotes where that one had them, so that a mixture
of both can be read as well.
"""

from __future__ import annotations

import mmap
import pathlib
import re
import struct
from collections.abc import Iterator, Sequence

from service.core.tally import Cells

NUMBER = 8
HEAD = struct.Struct("<Q")
LENGTHS = struct.Struct("<II")
# What two keys of the same form may differ in.
PLAIN = re.compile(rb'[^"\\]')
Record = tuple[str, int, int]


class Store:
    """The numbers of this process, by key."""

    def __init__(self, path: pathlib.Path | None) -> None:
        """Open the file, whose size is the limit of what it takes; what it holds is continued.

        Args:
            path: A file; None: the numbers stay in memory.
        """
        self._places: dict[str, tuple[Cells, int, int]] = {}
        # Places in the file that were released, by the form of their keys and the number of cells.
        self._free: dict[tuple[bytes, int], list[tuple[Cells, int, int]]] = {}
        self._bytes: mmap.mmap | None = None
        if path is not None:
            with path.open("r+b") as file:
                self._bytes = mmap.mmap(file.fileno(), 0)
            self._cells = memoryview(self._bytes).cast("d")
            for key, start, size in read_records(self._bytes):
                self._places[key] = (self._cells, start, size)

    def claim(self, key: str, size: int) -> tuple[Cells, int]:
        """Return the cells of a key and the index of its first, made with zeros if there are none.

        Args:
            key: Any text.
            size: How many cells. Where the file is full they are in memory, for this process alone.
        """
        place = self._places.get(key)
        if place is None or place[2] != size:
            place = self._places[key] = self._append(key, size) or ([0.0] * size, 0, size)
        return place[0], place[1]

    def release(self, key: str) -> None:
        """Set the numbers of a key to zero, and let another key of the same form have their place."""
        place = self._places.pop(key, None)
        if place is None:
            return
        cells, start, size = place
        for i in range(size):
            cells[start + i] = 0.0
        if self._bytes is not None and cells is self._cells:
            self._free.setdefault(_describe(key.encode(), size), []).append(place)

    def __iter__(self) -> Iterator[tuple[str, Sequence[float]]]:
        """Return the numbers of each key."""
        for key, (cells, start, size) in list(self._places.items()):
            yield key, [cells[start + i] for i in range(size)]

    def _append(self, key: str, size: int) -> tuple[Cells, int, int] | None:
        if self._bytes is None:
            return None
        name = key.encode()
        if free := self._free.get(_describe(name, size)):
            place = free.pop()
            at = place[1] * NUMBER - _pad(len(name))
            self._bytes[at : at + len(name)] = name
            return place
        (used,) = HEAD.unpack_from(self._bytes)
        at = max(used, HEAD.size)
        first = at + LENGTHS.size + _pad(len(name))
        end = first + size * NUMBER
        if end > len(self._bytes):
            return None
        LENGTHS.pack_into(self._bytes, at, len(name), size)
        self._bytes[at + LENGTHS.size : at + LENGTHS.size + len(name)] = name
        HEAD.pack_into(self._bytes, 0, end)
        return self._cells, first // NUMBER, size


def read_store(path: pathlib.Path) -> list[tuple[str, Sequence[float]]]:
    """Return the numbers of each key in a file."""
    content = path.read_bytes()
    return [
        (key, struct.unpack_from(f"<{size}d", content, start * NUMBER))
        for key, start, size in read_records(content)
    ]


def read_records(content: bytes | mmap.mmap) -> Iterator[Record]:
    """Return the key, the index of the first value and the number of values of each record."""
    used = HEAD.unpack_from(content)[0] if len(content) >= HEAD.size else 0
    at = HEAD.size
    while at < used:
        length, size = LENGTHS.unpack_from(content, at)
        at += LENGTHS.size
        key = content[at : at + length].decode()
        at += _pad(length)
        yield key, at // NUMBER, size
        at += size * NUMBER


def _describe(name: bytes, size: int) -> tuple[bytes, int]:
    return PLAIN.sub(b".", name), size


def _pad(length: int) -> int:
    return -(-length // NUMBER) * NUMBER
