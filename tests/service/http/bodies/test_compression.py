from __future__ import annotations

import gzip
import random
import zlib

import pytest

from service.core.errors import DeadlineError, MalformedBodyError, MediaTypeError, TooLargeError
from service.http.bodies.compression import (
    ENCODINGS,
    MAX_MEMBERS,
    Encoding,
    compress,
    decompress,
    parse_encoding,
)
from tests.service.bombs import gzip_of_empty_members, gzip_of_zeros

TEXT = b"a text that can be packed " * 40
PACKED = {"gzip": gzip.compress(TEXT, mtime=0), "deflate": zlib.compress(TEXT)}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_is_packed_is_unpacked(encoding: Encoding) -> None:
    assert decompress(PACKED[encoding], encoding, len(TEXT)) == TEXT


@pytest.mark.parametrize(
    ("value", "encoding"),
    [
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        (" x-gzip ", "gzip"),
        ("deflate", "deflate"),
        ("", None),
        ("identity", None),
    ],
)
def test_an_encoding_is_known_by_its_names(value: str, encoding: str | None) -> None:
    assert parse_encoding(value) == encoding


def test_a_gzip_file_may_have_several_members() -> None:
    assert decompress(PACKED["gzip"] * 3, "gzip", 3 * len(TEXT)) == 3 * TEXT
    with pytest.raises(TooLargeError):
        decompress(PACKED["gzip"] * 3, "gzip", 3 * len(TEXT) - 1)


@pytest.mark.parametrize("last", [b"", PACKED["gzip"]])
def test_so_many_members_are_read_and_no_more(last: bytes) -> None:
    assert decompress(gzip_of_empty_members(MAX_MEMBERS - 1) + PACKED["gzip"], "gzip", 10_000) == TEXT
    with pytest.raises(TooLargeError, match=f"at most {MAX_MEMBERS} gzip members, received more"):
        decompress(gzip_of_empty_members(MAX_MEMBERS + (not last)) + last, "gzip", 10_000)


def test_members_cost_what_their_number_says() -> None:
    looks: list[int] = []
    body = gzip_of_empty_members(100_000)
    with pytest.raises(TooLargeError):
        decompress(body, "gzip", 10_000, lambda: looks.append(1))
    assert len(looks) == MAX_MEMBERS


def test_what_is_unpacked_in_pieces_is_whole() -> None:
    noise = random.Random(0).randbytes(300_000)
    for content in (noise, bytes(3_000_000), noise + bytes(1_000_000) + noise):
        for encoding in ENCODINGS:
            assert decompress(compress(content, encoding), encoding, len(content)) == content


def test_unpacking_ends_when_nobody_waits() -> None:
    def check() -> None:
        raise DeadlineError("too late")

    with pytest.raises(DeadlineError):
        decompress(gzip_of_zeros(10_000_000), "gzip", 20_000_000, check)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_no_more_is_unpacked_than_the_limit(encoding: Encoding) -> None:
    bomb = compress(b"\0" * 50_000_000, encoding)
    assert len(bomb) < 500_000
    with pytest.raises(TooLargeError, match="at most 1000 bytes once unpacked, received more"):
        decompress(bomb, encoding, 1000)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_broken_bodies_are_refused(encoding: Encoding) -> None:
    packed = PACKED[encoding]
    for broken in (
        b"",
        TEXT,
        packed[:-1],
        packed[:20],
        packed + b"more",
        packed[:30] + b"\xff" + packed[31:],
    ):
        with pytest.raises(MalformedBodyError, match="body: expected"):
            decompress(broken, encoding, 10_000)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, deflate", "none"])
def test_other_encodings_are_refused(encoding: str) -> None:
    with pytest.raises(MediaTypeError, match="Content-Encoding: expected gzip or deflate, received"):
        parse_encoding(encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_is_packed_can_be_read_by_others(encoding: Encoding) -> None:
    packed = compress(TEXT, encoding)
    assert (gzip.decompress(packed) if encoding == "gzip" else zlib.decompress(packed)) == TEXT
