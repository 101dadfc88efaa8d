"""Asks for the answers that a load must get, and checks their pictures."""

from __future__ import annotations

import dataclasses
import io
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageSequence

# Pictures may differ by a level between ways to compute them; of one server they may not.
LEVELS = 1


class AnswerError(Exception):
    """A server answered wrongly."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """An answer, as a reference for others.

    Attributes:
        status: HTTP's.
        body: Of the answer.
        tag: Its `ETag`; empty if it has none.
        volatile: Lua's pattern of what of the body differs each time; empty: nothing does.
        media_type: Its `Content-Type`; empty if it has none, or nobody looked.
    """

    status: int
    body: bytes
    tag: str = ""
    volatile: str = ""
    media_type: str = ""


# To a client that has the picture.
NOT_MODIFIED = Answer(304, b"")


def ask(url: str, body: str = "", timeout_s: float = 30, headers: Mapping[str, str] | None = None) -> Answer:
    """Send one request.

    Args:
        url: To ask.
        body: JSON to post; empty for a GET.
        timeout_s: For the answer.
        headers: Further ones.

    Returns:
        The answer, of any status.

    Raises:
        OSError: There is none, or it is not whole.
    """
    fields = {**({"content-type": "application/json"} if body else {}), **(headers or {})}
    request = urllib.request.Request(url, body.encode() or None, fields)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:  # noqa: S310
            return Answer(answer.status, answer.read(), answer.headers.get("etag", ""))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read())


def read_pictures(body: bytes) -> NDArray[Any]:
    """Read an answer's pictures.

    Args:
        body: A PNG, a GIF, an npy file, or JSON with `images` or with tensors.

    Returns:
        `(n, height, width)`: uint8, or float in [0, 1]; a sheet is one picture.

    Raises:
        AnswerError: There are none in it.
    """
    try:
        if body.startswith(b"\x93NUMPY"):
            return np.asarray(np.load(io.BytesIO(body), allow_pickle=False))
        if body.startswith(b"{"):
            return _read_json(json.loads(body))
        with Image.open(io.BytesIO(body)) as image:
            return np.stack([np.asarray(frame.convert("L")) for frame in ImageSequence.Iterator(image)])
    except Exception as error:
        # Whatever the readers of a broken file raise: each has its own.
        raise AnswerError(f"expected pictures, received {body[:100]!r}: {error}") from error


def _read_json(fields: dict[str, Any]) -> NDArray[Any]:
    if "outputs" not in fields:
        return np.array(fields["images"])
    output = fields["outputs"][0]
    return np.array(output["data"]).reshape(output["shape"]).reshape(-1, *output["shape"][1:3])


def check_pictures(answer: Answer, expected: NDArray[np.uint8]) -> None:
    """Check that an answer is just these pictures.

    Args:
        answer: To look at.
        expected: `(n, height, width)`.

    Raises:
        AnswerError: Another status, count, size or content.
    """
    compare(read(answer), expected)


def compare(found: NDArray[Any], expected: NDArray[np.uint8]) -> None:
    """Check that pictures are just these.

    Args:
        found: uint8, or float in [0, 1].
        expected: `(n, height, width)`.

    Raises:
        AnswerError: Another count, size or content.
    """
    if found.shape != expected.shape:
        raise AnswerError(f"expected pictures of shape {expected.shape}, received {found.shape}")
    levels = found if found.dtype.kind in "iu" else found * 255
    # Floats are not rounded, and so may lie half a level away.
    worst = float(np.abs(levels.astype(np.float64) - expected).max())
    if worst > LEVELS:
        raise AnswerError(f"expected the pictures of these vectors, received others, by {worst:.0f} levels")


def check_shape(answer: Answer, shape: tuple[int, ...]) -> None:
    """Check the count and the size of an answer's pictures, where nobody knows what is on them.

    Raises:
        AnswerError: Another status, count or size.
    """
    if (found := read(answer).shape) != shape:
        raise AnswerError(f"expected pictures of shape {shape}, received {found}")


def read(answer: Answer) -> NDArray[Any]:
    """Return the pictures of an answer, as `read_pictures` does.

    Raises:
        AnswerError: Its status is not 200, or there are none in it.
    """
    if answer.status != 200:
        raise AnswerError(f"expected status 200, received {answer.status}: {answer.body[:200]!r}")
    return read_pictures(answer.body)
