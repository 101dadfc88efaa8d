"""Read mutated files, and count what came of it. What crashes a process is found by who started it."""

from __future__ import annotations

import collections
import dataclasses
import random
import time
import traceback
from collections.abc import Callable

import numpy as np

from service.core.errors import ClientError, TooLargeError
from service.imaging import preprocess
from service.imaging.reading import child, container, decoding
from service.imaging.reading.picture_file import PictureFile
from tests.service.imaging.fuzz.mutations import mutate
from tests.service.imaging.fuzz.seeds import make_seeds

MAX_PIXELS = 1_000_000
# Of processor time; the service stops a file after 2 s.
MAX_S = 0.5


@dataclasses.dataclass
class Found:
    """What came of files of one format.

    Attributes:
        outcomes: How many were read, and how many had each error.
        faults: Descriptions of those that had another error, or took too long.
        slowest_s: Processor time of the slowest.
    """

    outcomes: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    faults: list[str] = dataclasses.field(default_factory=list)
    slowest_s: float = 0.0


def make_file(kind: str, seed: int, index: int) -> bytes:
    """Return the same mutated file for the same arguments."""
    return mutate(random.Random(f"{kind} {seed} {index}"), make_seeds(kind))


def read_many(kind: str, seed: int, start: int, count: int, begin: Callable[[int], None]) -> Found:
    """Read files of a format.

    Args:
        kind: A key of `seeds.OPTIONS`.
        seed: Of the mutations.
        start: Index of the first.
        count: How many.
        begin: Called with the index of each before it is read.
    """
    found = Found()
    for index in range(start, start + count):
        content = make_file(kind, seed, index)
        begin(index)
        begun = time.thread_time()
        try:
            outcome = read_one(content)
        except Exception:
            outcome = "fault"
            found.faults.append(f"{kind} {seed} {index}: {traceback.format_exc(limit=-3)}")
        took = time.thread_time() - begun
        found.outcomes[outcome] += 1
        found.slowest_s = max(found.slowest_s, took)
        if took > MAX_S:
            found.faults.append(f"{kind} {seed} {index}: {took:.2f} s")
    return found


def read_one(content: bytes) -> str:
    """Read a file as an upload is read, and return what came of it."""
    try:
        file = container.read_container(content, "body", MAX_PIXELS)
        if file.apart:
            return _read_apart(file)
        x = preprocess.read_image(content, "body", 1, MAX_PIXELS, _make_check())
    except ClientError as error:
        return type(error).__name__
    if x.dtype != np.float32 or not (x.min() >= 0 and x.max() <= 1):
        raise ValueError(f"expected float32 in [0, 1], received {x.dtype} in [{x.min()}, {x.max()}]")
    return "read"


def _read_apart(file: PictureFile) -> str:
    """Do here what the process does, whose every error is a damaged file, as starting one takes too long."""
    try:
        image = child.decode(file.content, file.format)
    except MemoryError:
        return "TooLargeError"
    except Exception:
        return "MalformedBodyError"
    np.asarray(decoding._turn(child.unpack(child.pack(image)), file.orientation))
    return "read"


def _make_check() -> Callable[[], None]:
    end_s = time.thread_time() + 2 * MAX_S

    def check() -> None:
        if time.thread_time() > end_s:
            raise TooLargeError("body", "a body that is read in time", "one that is not")

    return check
