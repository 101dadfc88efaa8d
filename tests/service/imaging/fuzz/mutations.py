"""Change files at random, in the ways that mislead readers."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable, Sequence

PNG_START = b"\x89PNG\r\n\x1a\n"
NUMBERS = (
    0,
    1,
    2,
    3,
    4,
    7,
    8,
    0x7F,
    0x80,
    0xFF,
    0x100,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x10000,
    0x7FFFFFFF,
    0xFFFFFFFF,
)
Mutation = Callable[[random.Random, bytearray], None]


def mutate(draw: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Return one of some files, changed in one to four places."""
    content = bytearray(draw.choice(seeds))
    if content.startswith(PNG_START) and draw.random() < 0.4:
        return bytes(_mutate_pixels(draw, content))
    for _ in range(draw.choice((1, 1, 1, 2, 3, 4))):
        if content:
            draw.choice(MUTATIONS)(draw, content)
    if draw.random() < 0.02:
        content[len(content) // 2 :] = draw.choice(seeds)[len(content) // 2 :]
    # Otherwise hardly any would come further than the checksums.
    if content.startswith(PNG_START) and draw.random() < 0.8:
        _mend_checksums(content)
    return bytes(content)


def _change_byte(draw: random.Random, content: bytearray) -> None:
    content[draw.randrange(len(content))] = draw.choice((0, 1, 0x7F, 0x80, 0xFE, 0xFF, draw.randrange(256)))


def _change_head(draw: random.Random, content: bytearray) -> None:
    content[draw.randrange(min(64, len(content)))] = draw.randrange(256)


def _flip_bit(draw: random.Random, content: bytearray) -> None:
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)


def _change_number(draw: random.Random, content: bytearray) -> None:
    form = draw.choice(("<H", ">H", "<I", ">I"))
    size = struct.calcsize(form)
    if len(content) >= size:
        number = draw.choice(NUMBERS) & (2 ** (8 * size) - 1)
        struct.pack_into(form, content, draw.randrange(len(content) - size + 1), number)


def _cut(draw: random.Random, content: bytearray) -> None:
    del content[draw.randrange(len(content)) :]


def _remove(draw: random.Random, content: bytearray) -> None:
    start = draw.randrange(len(content))
    del content[start : start + draw.randint(1, 32)]


def _repeat(draw: random.Random, content: bytearray) -> None:
    start = draw.randrange(len(content))
    content[start:start] = content[start : start + draw.randint(1, 64)] * draw.choice((1, 1, 2, 20))


def _insert(draw: random.Random, content: bytearray) -> None:
    start = draw.randrange(len(content) + 1)
    content[start:start] = draw.randbytes(draw.randint(1, 16))


def _move(draw: random.Random, content: bytearray) -> None:
    start, end = sorted((draw.randrange(len(content)), draw.randrange(len(content))))
    piece = content[start:end]
    del content[start:end]
    at = draw.randrange(len(content) + 1)
    content[at:at] = piece


MUTATIONS: tuple[Mutation, ...] = (
    _change_byte,
    _change_byte,
    _change_head,
    _flip_bit,
    _flip_bit,
    _change_number,
    _change_number,
    _cut,
    _remove,
    _repeat,
    _insert,
    _move,
)


def _mutate_pixels(draw: random.Random, content: bytearray) -> bytearray:
    """Return a PNG whose pixels are changed before they are packed, which have a checksum of their own."""
    start = content.index(b"IDAT") - 4
    (length,) = struct.unpack_from(">I", content, start)
    pixels = bytearray(zlib.decompress(content[start + 8 : start + 8 + length]))
    for _ in range(draw.randint(1, 3)):
        if pixels:
            draw.choice(MUTATIONS)(draw, pixels)
    packed = zlib.compress(pixels, draw.choice((0, 1, 9)))
    content[start : start + 12 + length] = struct.pack(">I4s", len(packed), b"IDAT") + packed + bytes(4)
    _mend_checksums(content)
    return content


def _mend_checksums(content: bytearray) -> None:
    start = len(PNG_START)
    while start + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, start)
        end = start + 8 + length
        if end + 4 > len(content):
            return
        struct.pack_into(">I", content, end, zlib.crc32(content[start + 4 : end]))
        start = end + 4
