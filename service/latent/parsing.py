"""Parse vectors and points of latent space as URLs and forms write them: `0.5,-1.0`, `digit:3`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from service.core.choices import ClassName
from service.core.errors import InvalidValueError, Text
from service.latent.point import Point

# Numbers as in JSON, and also with a plus sign, or a point at either end; Python's `float` would also take
# "nan" and "1_0". A text matches in one way only: if a digit could belong to either of two groups, a long
# text would take minutes.
NUMBER_PATTERN = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
DIGIT_PATTERN = "digit: *[^ ].*"
# For the API's schema. Spaces may stand around each part, because a plus sign in a URL means a space.
VECTOR_PATTERN = f"^ *{NUMBER_PATTERN} *(, *{NUMBER_PATTERN} *)*$"
POINT_PATTERN = f"{VECTOR_PATTERN}|^ *{DIGIT_PATTERN}$"
NUMBER = re.compile(NUMBER_PATTERN)
# More than a URL can have; a form might have more.
MOST_CHARACTERS = 65_536
CHARACTERS = frozenset("0123456789+-.eE, ")
DIGIT = "digit:"
LABEL = re.compile("[0-9]{1,9}")
VECTOR = "numbers with commas between them, such as 0.5,-1.0"


def read_vector(text: str, field: str) -> NDArray[np.float64]:
    """Parse a vector.

    Args:
        text: Such as `0.5,-1.0`.
        field: The name of the parameter, for errors.

    Returns:
        `(n,)` float64, finite, n at least 1.

    Raises:
        InvalidValueError: A part is not a finite number, or the text is too long.
    """
    if len(text) > MOST_CHARACTERS:
        raise InvalidValueError(field, f"at most {MOST_CHARACTERS} characters", len(text))
    parts = text.split(",")
    try:
        # Of these characters alone, `float` accepts what the pattern does, in a tenth of the time.
        numbers = [float(part) for part in parts] if CHARACTERS.issuperset(text) else []
    except ValueError:
        numbers = []
    if not numbers or not all(map(math.isfinite, numbers)):
        raise next(_find_faults(parts, field))
    return np.array(numbers)


def _find_faults(parts: Sequence[str], field: str) -> Iterator[InvalidValueError]:
    for i, part in enumerate(part.strip(" ") for part in parts):
        where = field if len(parts) == 1 else f"{field}[{i}]"
        if not NUMBER.fullmatch(part):
            yield InvalidValueError(where, VECTOR if len(parts) == 1 else "a number", part)
        elif not math.isfinite(float(part)):
            yield InvalidValueError(where, "a finite number", part)


def read_vectors(texts: Sequence[str], field: str) -> NDArray[np.float64]:
    """Parse vectors, all of one length.

    Args:
        texts: At least one.
        field: The name of the parameter, for errors.

    Returns:
        `(len(texts), n)` float64, finite.

    Raises:
        InvalidValueError: A part is not a finite number, or a vector has another length than the first.
    """
    if len(texts) == 1:
        return read_vector(texts[0], field)[np.newaxis]
    names = [f"{field}[{i}]" for i in range(len(texts))]
    vectors = [read_vector(text, name) for text, name in zip(texts, names, strict=True)]
    for name, vector in zip(names, vectors, strict=True):
        if len(vector) != len(vectors[0]):
            expected = f"{len(vectors[0])} numbers, as the first has"
            raise InvalidValueError(name, expected, Text(str(len(vector))))
    return np.stack(vectors)


def read_points(texts: Sequence[str], field: str, labels: Sequence[ClassName]) -> list[Point]:
    """Parse points.

    Args:
        texts: As `read_point` takes each.
        field: The name of the parameter, for errors.
        labels: None, or one for each vector among the points, in their order.

    Raises:
        InvalidValueError: A text is no point, or there are more or fewer labels than vectors.
    """
    are_classes = [text.strip(" ").startswith(DIGIT) for text in texts]
    vectors = are_classes.count(False)
    if labels and len(labels) != vectors:
        expected = f"none, or one for each of {vectors} vectors"
        raise InvalidValueError(f"{field}_label", expected, Text(str(len(labels))))
    label = iter(labels)
    return [
        read_point(text, f"{field}[{i}]", None if is_class else next(label, None))
        for i, (text, is_class) in enumerate(zip(texts, are_classes, strict=True))
    ]


def read_point(text: str, field: str, label: ClassName | None = None) -> Point:
    """Parse a point.

    Args:
        text: `digit:3`, the same with the name of a class, or a vector.
        field: The name of the parameter, for errors.
        label: The label beside a vector, for a label-conditioned model.

    Raises:
        InvalidValueError: The text is neither, or a label comes with a digit.
    """
    trimmed = text.strip(" ")
    digit = trimmed.removeprefix(DIGIT).strip(" ") if trimmed.startswith(DIGIT) else ""
    if not digit:
        if text.startswith("digit"):
            raise InvalidValueError(field, "digit: and a class's number or name, such as digit:3", text)
        return Point(field, z=read_vector(text, field), label=label, at=field)
    if label is not None:
        raise InvalidValueError(f"{field}_label", "no label beside a digit, which is one", label)
    return Point(field, digit=int(digit) if LABEL.fullmatch(digit) else digit, at=field)
