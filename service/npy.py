"""Owns arrays as NumPy's .npy files (NEP 1): reads them without trusting them, and writes them."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.errors import InvalidValueError, MalformedBodyError, Text, shorten

HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_npy(
    content: bytes, field: str, check: Callable[[tuple[int, ...]], None] = lambda _: None
) -> NDArray[np.float64]:
    """Reads numbers from a file.

    Nothing is unpickled, and nothing allocated for a shape that the file's length does not bear out.

    Args:
        content: The file.
        field: What errors name.
        check: Refuses a shape by raising, before its numbers are looked at.

    Returns:
        `(n,)` or `(batch, n)` float64, finite, neither dimension 0.

    Raises:
        MalformedBodyError: Not a whole .npy file.
        InvalidValueError: Not numbers, not of one or two dimensions, empty, or not finite.
    """
    file = io.BytesIO(content)
    try:
        shape, fortran_order, dtype = HEADERS[np.lib.format.read_magic(file)](file)
    except Exception as error:  # numpy lets through whatever Python's parser says to a hostile header
        received = Text(f"{len(content)} bytes starting {content[:8]!r}")
        raise MalformedBodyError(field, "an .npy file of version 1 or 2", received) from error
    if dtype.kind not in "fiu":
        raise InvalidValueError(field, "an array of floats or integers", Text(f"one of {dtype}"))
    _check_shape(shape, dtype, len(content) - file.tell(), field)
    check(shape)
    data = np.frombuffer(content, dtype, offset=file.tell())
    # A number beyond float64 becomes infinite, which is refused below.
    with np.errstate(over="ignore", invalid="ignore"):
        array = data.reshape(shape, order="F" if fortran_order else "C").astype(np.float64)
    _check_finite(array, field)
    return array


def write_npy(array: NDArray[Any]) -> bytes:
    """Writes an array.

    Args:
        array: Of any shape and numeric dtype.

    Returns:
        The file.
    """
    file = io.BytesIO()
    np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)
    return file.getvalue()


def _check_shape(shape: tuple[int, ...], dtype: np.dtype[Any], size: int, field: str) -> None:
    # Python's parser, and so NumPy's header, has booleans, negative numbers and numbers of any length.
    if len(shape) not in (1, 2) or not all(type(side) is int and side > 0 for side in shape):
        received = Text(f"shape {shorten(list(shape))}")
        raise InvalidValueError(field, "an array of one or two dimensions, neither 0", received)
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
