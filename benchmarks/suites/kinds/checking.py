"""Checks what a service at rest answers to request number i of a kind; each raises `AnswerError`."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable

import numpy as np

from benchmarks.harness.answers import Answer, AnswerError, check_pictures, check_shape, compare, read
from benchmarks.suites.kinds.making import decode_vectors

SIDE = 28

Check = Callable[[Answer, int], None]


def pictures(n: int = 1) -> Check:
    """Want the pictures of the request's `n` vectors."""
    return lambda answer, i: check_pictures(answer, decode_vectors(i, n))


def sheet(n: int, columns: int) -> Check:
    """Want the pictures of the request's `n` vectors, on one sheet."""

    def check(answer: Answer, i: int) -> None:
        rows = math.ceil(n / columns)
        check_shape(answer, (1, rows * SIDE, columns * SIDE))
        tiles = read(answer).reshape(rows, SIDE, columns, SIDE).swapaxes(1, 2).reshape(-1, SIDE, SIDE)
        compare(tiles[:n], decode_vectors(i, n))

    return check


def shape(n: int = 1, height: int = SIDE, width: int = SIDE) -> Check:
    """Want `n` pictures of a size, whatever is on them."""
    return lambda answer, _: check_shape(answer, (n, height, width))


def floats(answer: Answer, i: int) -> None:
    """Want the picture of the request's vector as float32, behind whatever the answer begins with."""
    pixels = SIDE * SIDE * np.dtype(np.float32).itemsize
    if answer.status != 200 or len(answer.body) < pixels:
        raise AnswerError(f"expected {pixels} bytes, received {answer.status} {answer.body[:200]!r}")
    compare(np.frombuffer(answer.body[-pixels:], np.float32).reshape(1, SIDE, SIDE), decode_vectors(i))


def posterior(answer: Answer, _: int) -> None:
    """Want one latent vector."""
    shape = None
    with contextlib.suppress(ValueError, KeyError, TypeError):
        shape = np.shape(json.loads(answer.body)["z_mean"])
    if answer.status != 200 or shape != (1, 2):
        raise AnswerError(f"expected z_mean of one picture, received {answer.status} {answer.body[:200]!r}")


def says(status: str) -> Check:
    """Want JSON of a status."""

    def check(answer: Answer, _: int) -> None:
        if (answer.status, answer.body) != (200, b'{"status":"%b"}' % status.encode()):
            raise AnswerError(f"expected {status}, received {answer.status} {answer.body[:200]!r}")

    return check


def nothing(answer: Answer, _: int) -> None:
    """Want status 200 and an empty body."""
    if (answer.status, answer.body) != (200, b""):
        raise AnswerError(f"expected 200 and nothing, received {answer.status} {answer.body[:200]!r}")
