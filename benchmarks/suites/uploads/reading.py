"""Send pictures to a service, and count which the majority of their neighbours names right."""

from __future__ import annotations

import collections
import dataclasses
import importlib.util
import io
import pathlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import numpy as np
from PIL import Image

from benchmarks.suites.uploads.scenes import SCENES
from benchmarks.suites.uploads.sheets import Digit

# A digit of the test split finds itself in the atlas; so many others vote.
VOTERS = 15
QUALITY = 85
OWN_FILE = "MNIST's own files"
Make = Callable[[Digit, np.random.Generator], Any]


@dataclasses.dataclass
class Count:
    """How pictures of one condition were read.

    Attributes:
        right: How many were named right.
        refused: How many were refused.
        all: How many there were.
        found: How sure the service was of each that it read.
        sheet: Each upload, and what the encoder got of it, if that was asked for.
    """

    right: int = 0
    refused: int = 0
    all: int = 0
    found: list[float] = dataclasses.field(default_factory=list)
    sheet: list[tuple[Image.Image, Image.Image]] = dataclasses.field(default_factory=list)


def read_conditions(file: pathlib.Path | None) -> Mapping[str, Make]:
    """Return scenes by name: those of this package, or `CONDITIONS` of a Python file.

    Each is a function of a digit, `(28, 28)` uint8, and a generator, to a picture or its grey levels.
    """
    if file is None:
        return SCENES
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise ValueError(f"{file}: expected a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    conditions: Mapping[str, Make] = module.CONDITIONS
    return conditions


def count_right(
    client: httpx.Client,
    model: str,
    digits: Mapping[int, tuple[Digit, int]],
    conditions: Mapping[str, Make],
    seed: int,
    shown: int = 0,
) -> dict[str, Count]:
    """Send each digit in each condition, and as MNIST's own file.

    Args:
        client: Of the service.
        model: A model whose atlas is MNIST's test split.
        digits: Pictures and labels by their place in the test split.
        conditions: Scenes by name.
        seed: Of their generators.
        shown: How many of each condition to keep for a contact sheet.
    """
    counts: dict[str, Count] = collections.defaultdict(Count)
    for place, (index, (digit, label)) in enumerate(digits.items()):
        for name, picture in _make_all(digit, conditions, [seed, place]):
            count = counts[name]
            content = write(picture)
            _count(count, _ask(client, model, content), index, label)
            if len(count.sheet) < shown:
                count.sheet.append((picture, _see(client, model, content)))
    return counts


def write(picture: Image.Image) -> bytes:
    """Return a picture's file: PNG for what is small or transparent, as programs save it, else JPEG."""
    file = io.BytesIO()
    small = picture.mode == "RGBA" or max(picture.size) <= 300
    picture.save(file, "PNG" if small else "JPEG", quality=QUALITY)
    return file.getvalue()


def _make_all(
    digit: Digit, conditions: Mapping[str, Make], seed: list[int]
) -> Iterator[tuple[str, Image.Image]]:
    yield OWN_FILE, Image.fromarray(digit)
    for name, make in conditions.items():
        made = make(digit, np.random.default_rng(seed))
        yield name, made if isinstance(made, Image.Image) else _to_image(made)


def _to_image(levels: np.ndarray[Any, np.dtype[Any]]) -> Image.Image:
    return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))


def _ask(client: httpx.Client, model: str, content: bytes) -> httpx.Response:
    query: dict[str, str | int] = {"model": model, "neighbours": VOTERS + 1, "explain": 1}
    answer = client.post("/encode", params=query, content=content, headers={"content-type": "image/png"})
    if answer.status_code == 422 and "explain" in answer.text:  # a service from before it could
        del query["explain"]
        answer = client.post("/encode", params=query, content=content, headers={"content-type": "image/png"})
    return answer


def _count(count: Count, answer: httpx.Response, index: int, label: int) -> None:
    count.all += 1
    if answer.status_code != 200:
        count.refused += 1
        return
    body = answer.json()
    others = [one["label"] for one in body["neighbours"][0] if one["index"] != index][:VOTERS]
    count.right += collections.Counter(others).most_common(1)[0][0] == label
    if "explanation" in body and body["explanation"][0]["found"] is not None:
        count.found.append(body["explanation"][0]["found"])


def _see(client: httpx.Client, model: str, content: bytes) -> Image.Image:
    query = {"model": model, "view": "input"}
    answer = client.post("/encode", params=query, content=content, headers={"content-type": "image/png"})
    return (
        Image.open(io.BytesIO(answer.content)) if answer.status_code == 200 else Image.new("L", (28, 28), 90)
    )
