"""Read nested JSON lists as arrays, and name the element that is wrong."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import PydanticCustomError

from service.core.choices import ClassName
from service.core.errors import shorten

NUMBERS, FLOATS = {int, float}, {float}
FEW = 64


def read_integer(value: object) -> object:
    """Return a float such as 3.0 as an integer, and any other value unchanged, for a validator to refuse."""
    return int(value) if type(value) is float and value.is_integer() else value


def read_label(value: object) -> ClassName:
    """Validate a label or the name of a class.

    Returns:
        `value`, with a float such as 3.0 as an integer.

    Raises:
        PydanticCustomError: Neither an integer nor a text.
    """
    return _read_label(value, ())


def read_labels(value: object) -> ClassName | list[ClassName]:
    """Validate one label or name, or a list of such; see `read_label`.

    Raises:
        PydanticCustomError: Neither, an empty list, or an element that is neither integer nor text.
    """
    if not isinstance(value, list):
        return _read_label(value, ())
    if not value:
        raise _fault((), "an integer, or a list of at least one", "an empty list")
    return [_read_label(label, (i,)) for i, label in enumerate(value)]


def _read_label(value: object, where: tuple[int, ...]) -> ClassName:
    label = read_integer(value)
    if type(label) not in (int, str):
        raise _fault(where, "an integer, or a class's name", shorten(label))
    return label  # type: ignore[return-value]


def read_phrase(value: object) -> str | list[ClassName]:
    """Validate a text, or a list of labels and names of classes.

    Returns:
        `value`, with floats such as 3.0 as integers.

    Raises:
        PydanticCustomError: Neither a text nor a list, or an element that is neither an integer nor a text.
    """
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise _fault((), "a text such as '0123', or a list of labels and names", shorten(value))
    return [_read_label(label, (i,)) for i, label in enumerate(value)]


def read_numbers(value: object, depths: tuple[int, ...]) -> NDArray[np.float64]:
    """Convert nested lists to an array.

    Args:
        value: Parsed JSON.
        depths: The levels of nesting that are allowed, 1 for a flat list.

    Returns:
        float64, every value finite, no dimension of length 0.

    Raises:
        PydanticCustomError: Nested otherwise, ragged, empty, not numbers, or not finite; it names the
            element.
    """
    plain = _read_plain(value, depths)
    if plain is not None:
        return plain
    shape: list[int] = []
    first = value
    while isinstance(first, list) and len(shape) <= max(depths):
        shape.append(len(first))
        if not first:
            raise _fault((0,) * (len(shape) - 1), "at least one entry", "an empty list")
        first = first[0]
    if len(shape) not in depths:
        wanted = " or ".join("numbers" if d == 1 else "lists of " * (d - 1) + "numbers" for d in depths)
        raise _fault((), f"a list of {wanted}", shorten(value))
    if not _fits(value, shape):
        _explain(value, tuple(shape), ())
    try:
        array = np.array(value, np.float64)
    except OverflowError:
        array = np.vectorize(_to_float, otypes=[float])(np.array(value, object))
    if not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise _fault(where, "a finite number", _element(value, where))
    return array


def _read_plain(value: object, depths: tuple[int, ...]) -> NDArray[np.float64] | None:
    """Return what most requests hold, a few floats or a few lists of them; None where more is to be asked."""
    if type(value) is not list or not 0 < len(value) <= FEW:
        return None
    flat = value
    if type(value[0]) is list:
        if 2 not in depths or set(map(type, value)) != {list} or len(set(map(len, value))) > 1:
            return None
        flat = list(itertools.chain.from_iterable(value))
    elif 1 not in depths:
        return None
    if not 0 < len(flat) <= FEW or not FLOATS.issuperset(map(type, flat)) or not math.isfinite(sum(flat)):
        return None
    array = np.array(flat)
    return array if flat is value else array.reshape(len(value), -1)


def _fits(value: object, shape: list[int]) -> bool:
    level: list[Any] = [value]
    for size in shape:
        if set(map(type, level)) != {list} or set(map(len, level)) != {size}:
            return False
        level = list(itertools.chain.from_iterable(level))
    return NUMBERS.issuperset(map(type, level))


def _explain(value: object, shape: tuple[int, ...], where: tuple[int, ...]) -> None:
    if not isinstance(value, list):
        raise _fault(where, f"a list of {shape[0]}", shorten(value))
    if len(value) != shape[0]:
        raise _fault(where, f"a list of {shape[0]}, as the first is", f"one of {len(value)}")
    if len(shape) > 1:
        for i, part in enumerate(value):
            _explain(part, shape[1:], (*where, i))
    elif not NUMBERS.issuperset(map(type, value)):
        i = next(i for i, part in enumerate(value) if type(part) not in NUMBERS)
        raise _fault((*where, i), "a number", shorten(value[i]))


def _to_float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf  # an integer beyond float64


def _element(value: Any, where: tuple[int, ...]) -> str:
    for i in where:
        value = value[i]
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else "one beyond float64"


def _fault(where: tuple[int, ...], expected: str, received: str) -> PydanticCustomError:
    context = {"at": "".join(f"[{i}]" for i in where), "expected": expected, "received": received}
    return PydanticCustomError("numbers", "expected {expected}, received {received}", context)
