"""Owns the bytes of requests that cost a service far more than they cost who sends them. Pure functions."""

from __future__ import annotations

import gzip
import io
import json
import struct
import zlib
from collections.abc import Mapping

import numpy as np
from PIL import Image

JSON, NPY, PNG, JPEG = "application/json", "application/x-npy", "image/png", "image/jpeg"


def write_request(
    target: str, body: bytes, media_type: str, headers: Mapping[str, str] | None = None
) -> bytes:
    """Return a POST."""
    fields = {"host": "a", "content-type": media_type, "content-length": str(len(body)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST {target} HTTP/1.1\r\n{head}\r\n".encode() + body


def write_scans(width: int = 4000, height: int = 3990, scans: int = 5000) -> bytes:
    """Return a progressive JPEG of many scans, each of which visits every block and changes none.

    A scan whose blocks are all empty is a few bytes: a run may skip 32,767 blocks. The picture is grey.
    """
    blocks = ((width + 7) // 8) * ((height + 7) // 8)
    tables = _segment(0xDB, bytes([0]) + bytes([1] * 64))
    frame = _segment(0xC2, struct.pack(">BHHB", 8, height, width, 1) + bytes([1, 0x11, 0]))
    # One code of one bit each: for the first coefficient, no change; for the others, a run of 2**14 and more.
    codes = _segment(0xC4, bytes([0x00, 1, *[0] * 15, 0x00])) + _segment(
        0xC4, bytes([0x10, 1, *[0] * 15, 0xE0])
    )
    first = _scan(0, 0, "0" * blocks)
    runs = []
    while blocks:
        run = min(blocks, 2**15 - 1) if blocks >= 2**14 else blocks
        if run < 2**14:
            break
        runs.append("0" + f"{run - 2**14:014b}")
        blocks -= run
    other = _scan(1, 1, "".join(runs))
    return b"\xff\xd8" + tables + frame + codes + first + other * scans + b"\xff\xd9"


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def _scan(start: int, end: int, bits: str) -> bytes:
    bits += "1" * (-len(bits) % 8)
    data = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00")
    return _segment(0xDA, bytes([1, 1, 0, start, end, 0])) + data


def write_chunks(chunks: int = 1_000_000) -> bytes:
    """Return a PNG of one pixel with so many empty chunks that mean nothing."""
    file = io.BytesIO()
    Image.new("L", (28, 28), 9).save(file, "PNG")
    picture = file.getvalue()
    end = picture.index(b"IDAT") - 4
    empty = struct.pack(">I", 0) + b"teSt" + struct.pack(">I", zlib.crc32(b"teSt"))
    return picture[:end] + empty * chunks + picture[end:]


def write_large_png(side: int = 3000) -> bytes:
    """Return a PNG of nine megapixels in a few kilobytes."""
    file = io.BytesIO()
    Image.new("L", (side, side), 9).save(file, "PNG")
    return file.getvalue()


def write_members(size: int) -> bytes:
    """Return so many bytes of gzip: empty members, one after the other."""
    member = gzip.compress(b"", mtime=0)
    return member * (size // len(member))


def write_objects(size: int) -> bytes:
    """Return a body of the Open Inference Protocol whose inputs lack everything, about `size` bytes."""
    return b'{"inputs":[' + b",".join([b"{}"] * (size // 3)) + b"]}"


def write_unknown(size: int) -> bytes:
    """Return a JSON body of fields that nobody knows, about `size` bytes."""
    return json.dumps({"z": [0, 0], **{f"unknown{i}": i for i in range(size // 20)}}).encode()


def write_numbers(size: int, key: str = "z", row: str = "[0.5,-1.0]") -> bytes:
    """Return a JSON body of many rows of numbers, about `size` bytes."""
    return f'{{"{key}":[{",".join([row] * (size // (len(row) + 1)))}]}}'.encode()


def write_nested(depth: int) -> bytes:
    """Return a JSON body of lists in lists."""
    return b'{"z":' + b"[" * depth + b"0" + b"]" * depth + b"}"


def write_npy_header(shape: str) -> bytes:
    """Return an npy file whose header has this text for its shape."""
    head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode()
    head += b" " * (-(len(head) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + np.zeros(4, np.float32).tobytes()
