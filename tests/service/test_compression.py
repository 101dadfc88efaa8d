from __future__ import annotations

import gzip
import zlib

import pytest

from service.compression import ENCODINGS, Encoding, compress, decompress
from service.errors import MalformedBodyError, MediaTypeError, TooLargeError

TEXT = b"a text that can be packed " * 40
PACKED = {"gzip": gzip.compress(TEXT), "deflate": zlib.compress(TEXT)}


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "GZIP", " x-gzip "])
def test_what_is_packed_is_unpacked(encoding: str) -> None:
    plain = encoding.strip().lower().removeprefix("x-")
    assert decompress(PACKED[plain], encoding, len(TEXT)) == TEXT


@pytest.mark.parametrize("encoding", ["", "identity"])
def test_what_is_not_packed_stays(encoding: str) -> None:
    assert decompress(TEXT, encoding, 1) == TEXT


def test_a_gzip_file_may_have_several_members() -> None:
    assert decompress(PACKED["gzip"] * 3, "gzip", 3 * len(TEXT)) == 3 * TEXT
    with pytest.raises(TooLargeError):
        decompress(PACKED["gzip"] * 3, "gzip", 3 * len(TEXT) - 1)


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
        decompress(TEXT, encoding, 1000)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_is_packed_can_be_read_by_others(encoding: Encoding) -> None:
    packed = compress(TEXT, encoding)
    assert (gzip.decompress(packed) if encoding == "gzip" else zlib.decompress(packed)) == TEXT
