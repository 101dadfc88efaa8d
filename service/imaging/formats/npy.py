"""Read NumPy's .npy files (NEP 1) without trusting them, and write them."""

from __future__ import annotations

import functools
import io
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.core.errors import InvalidValueError, MalformedBodyError, Text, shorten

HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
MAGIC_BYTES = np.lib.format.MAGIC_LEN
# NumPy reads no header that is longer.
MAX_HEAD_BYTES = 10_000
# What no header of numbers has, and what NumPy or Python's parser would write a warning of into the log: the
# long integers of Python 2 (`3L`), words right behind numbers (`1if`), escapes.
ODD = re.compile(rb"[0-9][.\s]*[A-WYZa-wyz]|0[xX][0-9A-Fa-f_]*\s*[G-Zg-z]|\\")

# How errors name the allowed numbers of dimensions.
WORDS = {(1, 2): "one or two", (2, 3, 4): "two to four"}


def read_npy(
    content: bytes,
    field: str,
    check: Callable[[tuple[int, ...]], None] = lambda _: None,
    *,
    dimensions: tuple[int, ...] = (1, 2),
    levels: bool = False,
) -> NDArray[np.float64]:
    """Read numbers from a file.

    Nothing is unpickled, and no memory is allocated for a shape that the length of the file does not match.

    Args:
        content: The file.
        field: The name of the field, for errors.
        check: Raises an error if it refuses the shape; called before the numbers are read.
        dimensions: The allowed numbers of dimensions, a key of `WORDS`.
        levels: Whether unsigned 8-bit numbers are to be divided by 255.

    Returns:
        float64, finite, no dimension of length 0.

    Raises:
        MalformedBodyError: Not a whole .npy file.
        InvalidValueError: Not numbers, of another number of dimensions, empty, or not finite.
    """
    head = _cut_head(content)
    try:
        shape, fortran_order, dtype = _parse_head(head)
    except Exception as error:  # Python's parser may raise anything for a hostile header
        odd = ODD.search(head, MAGIC_BYTES)
        received = f"a header with {odd[0]!r}" if odd else f"{len(content)} bytes starting {content[:8]!r}"
        raise MalformedBodyError(field, "an .npy file of version 1 or 2", Text(received)) from error
    if dtype.kind not in "fiu":
        raise InvalidValueError(field, "an array of floats or integers", Text(f"one of {dtype}"))
    _check_dimensions(shape, dimensions, field)
    _check_size(shape, dtype, len(content) - len(head), field)
    check(shape)
    data = np.frombuffer(content, dtype, offset=len(head))
    # A number beyond float64 becomes infinite, which is refused below.
    with np.errstate(over="ignore", invalid="ignore"):
        array = data.reshape(shape, order="F" if fortran_order else "C").astype(np.float64)
    _check_finite(array, field)
    return array / 255 if levels and dtype == np.uint8 else array


def _cut_head(content: bytes) -> bytes:
    """Return what stands before the numbers: magic, version, the header's length and the header."""
    start = MAGIC_BYTES + (2 if content[6:7] == b"\1" else 4)
    length = int.from_bytes(content[MAGIC_BYTES:start], "little")
    return content[: min(start + length, MAX_HEAD_BYTES)]


# Clients send arrays of the same few shapes and types.
@functools.lru_cache(256)
def _parse_head(head: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    if ODD.search(head, MAGIC_BYTES):
        raise ValueError("expected plain numbers and texts")
    file = io.BytesIO(head)
    return HEADERS[np.lib.format.read_magic(file)](file)


def write_npy(array: NDArray[Any]) -> bytes:
    """Return an array, of any shape and numeric dtype, as an .npy file."""
    return b"".join((_write_head(array.dtype.str, array.shape), np.ascontiguousarray(array).data))


@functools.lru_cache(256)
def _write_head(descr: str, shape: tuple[int, ...]) -> bytes:
    file = io.BytesIO()
    fields = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, fields)
    return file.getvalue()


def _check_dimensions(shape: tuple[int, ...], dimensions: tuple[int, ...], field: str) -> None:
    # NumPy's header is parsed by Python, and may have booleans, negative numbers and numbers of any length.
    if len(shape) not in dimensions or not all(type(side) is int and side > 0 for side in shape):
        received = Text(f"shape {shorten(list(shape))}")
        raise InvalidValueError(field, f"an array of {WORDS[dimensions]} dimensions, none 0", received)


def _check_size(shape: tuple[int, ...], dtype: np.dtype[Any], size: int, field: str) -> None:
    if max(shape) > size:
        received = Text(f"shape {shorten(list(shape))}")
        raise MalformedBodyError(field, f"a shape of the {size} bytes of data that there are", received)
    expected = math.prod(shape) * dtype.itemsize
    if size != expected:
        said = f"{expected} bytes of data, for shape {shape} of {dtype}"
        raise MalformedBodyError(field, said, Text(str(size)))


def _check_finite(array: NDArray[np.float64], field: str) -> None:
    if not np.isfinite(array).all():
        where = np.argwhere(~np.isfinite(array))[0]
        name = field + "".join(f"[{i}]" for i in where)
        raise InvalidValueError(name, "a finite number", float(array[tuple(where)]))
