"""What a guided fuzz sends: a request around the bytes that the fuzzer makes, and bytes to begin with."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from PIL import Image

Request = tuple[str, bytes, dict[str, str]]
INFER = "/v2/models/fake.decoder/infer"
FORM = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
)


class Target(NamedTuple):
    """A kind of body.

    Attributes:
        wrap: Makes the path, the body and the headers of a request of the fuzzer's bytes.
        seeds: Bytes that are right, to begin with.
        words: What the fuzzer may put in.
    """

    wrap: Callable[[bytes], Request]
    seeds: tuple[bytes, ...]
    words: tuple[bytes, ...] = ()


def _write_picture(kind: str, mode: str = "L") -> bytes:
    file = io.BytesIO()
    pixels = (np.arange(28 * 28) % 251).astype(np.uint8).reshape(28, 28)
    Image.fromarray(pixels).convert(mode).save(file, kind)
    return file.getvalue()


def _write_npy(array: np.ndarray[tuple[int, ...], np.dtype[np.floating]]) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def _wrap_tensors(content: bytes) -> Request:
    # The first two bytes are the length of the JSON: a fuzzer seldom hits a header that fits a body.
    length = int.from_bytes(content[:2], "little")
    return INFER, content[2:], {"inference-header-content-length": str(length)}


def _write_tensors(message: Mapping[str, object], binary: bytes) -> bytes:
    head = json.dumps(message).encode()
    return len(head).to_bytes(2, "little") + head + binary


PNG, JPEG = _write_picture("PNG"), _write_picture("JPEG")
Z = {"name": "z", "shape": [1, 2], "datatype": "FP32"}
TARGETS = {
    "uploads": Target(
        lambda content: ("/encode", content, {"content-type": "application/octet-stream"}),
        (PNG, JPEG, *(_write_picture(kind) for kind in ("GIF", "BMP")), _write_picture("PNG", "P")),
        (b"IHDR", b"IDAT", b"PLTE", b"tRNS", b"IEND", b"acTL", b"fcTL", b"eXIf", b"\xff\xda", b"\xff\xc4"),
    ),
    "npy": Target(
        lambda content: ("/decode", content, {"content-type": "application/x-npy"}),
        (_write_npy(np.zeros((1, 2), np.float32)), _write_npy(np.zeros((3, 2))), _write_npy(np.zeros(2))),
        (b"'descr'", b"'fortran_order'", b"'shape'", b"True", b"<f8", b">f2", b"(1, 2)", b"-1", b"|O", b"0x"),
    ),
    "multipart": Target(
        lambda content: ("/encode", content, {"content-type": "multipart/form-data; boundary=b"}),
        (
            FORM + PNG + b"\r\n--b--\r\n",
            FORM + PNG + b"\r\n" + FORM + JPEG + b"\r\n--b--\r\n",
        ),
        (b"--b\r\n", b"--b--", b"\r\n\r\n", b"filename=", b"filename*=", b"name=", b"form-data", b"%00"),
    ),
    "v2": Target(
        _wrap_tensors,
        (
            _write_tensors({"inputs": [{**Z, "parameters": {"binary_data_size": 8}}]}, bytes(8)),
            _write_tensors({"inputs": [{**Z, "data": [0, 0]}], "outputs": [{"name": "png"}], "id": "1"}, b""),
            b"\0\0" + bytes(8),
        ),
        (b'"binary_data_size"', b'"parameters"', b'"outputs"', b'"timeout"', b"1e999", b"-1", b"[[", b"NaN"),
    ),
}
