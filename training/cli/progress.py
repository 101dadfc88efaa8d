"""Say how far a long measurement is: a line that is rewritten in a terminal, else one now and then."""

from __future__ import annotations

import contextlib
import math
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from training.evaluation.likelihood import Decode, Floats, Labels

# What is over sooner needs no line.
PATIENCE_S = 2.0
# Between two lines: of a terminal, and of a log.
TERMINAL_S, LOG_S = 0.5, 30.0
MINUTE_S, HOUR_S = 60, 3600


class Progress:
    """Counts the pictures that a measurement decodes, and says how long the rest will take."""

    def __init__(
        self,
        what: str,
        total: int,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start to count.

        Args:
            what: The command, which begins each line.
            total: The pictures that will be decoded; if there are more, the rest is not foretold.
            stream: Where the lines go; unset: stderr.
            clock: Returns seconds.
        """
        self._what, self._total, self._clock = what, total, clock
        self._stream = sys.stderr if stream is None else stream
        self._terminal = self._stream.isatty()
        self._begun, self._count = clock(), 0
        self._next = self._begun + PATIENCE_S

    def watch(self, decode: Decode) -> Decode:
        """Return a decoder that does the same, and counts what it decodes."""

        def watched(z: Floats, label: Labels) -> Floats:
            image = decode(z, label)
            self.add(len(z))
            return image

        return watched

    def add(self, pictures: int) -> None:
        """Count pictures, and write a line if it is time."""
        self._count += pictures
        now = self._clock()
        if now >= self._next:
            self._next = now + (TERMINAL_S if self._terminal else LOG_S)
            self._write(self._describe(now - self._begun))

    def close(self) -> None:
        """Take the line out of the terminal."""
        if self._terminal and self._next > self._begun + PATIENCE_S:
            self._stream.write("\r\x1b[K")

    def _describe(self, passed_s: float) -> str:
        share = self._count / self._total
        if share >= 1:
            return "nearly done"
        return f"{share:.0%}, {format_duration(passed_s * (1 - share) / share)} left"

    def _write(self, text: str) -> None:
        line = f"{self._what}: {text}"
        self._stream.write(f"\r{line}\x1b[K" if self._terminal else f"{line}\n")
        self._stream.flush()


@contextlib.contextmanager
def watching(what: str, total: int, *, quiet: bool = False) -> Iterator[Callable[[Decode], Decode]]:
    """Say how far a measurement is while the block runs.

    Args:
        what: The command.
        total: The pictures that will be decoded, as `count_pictures` has it.
        quiet: Whether to say nothing.

    Yields:
        What wraps the decoder.
    """
    if quiet:
        yield lambda decode: decode
        return
    line = Progress(what, total)
    try:
        yield line.watch
    finally:
        line.close()


def count_pictures(images: int, samples: int, labels: int) -> int:
    """Return how many pictures `metrics.figures` decodes, but for an exact likelihood.

    Args:
        images: Of the split.
        samples: Drawn for each image to estimate log p(x).
        labels: Of a label-conditioned model; else 0.
    """
    others = max(1, samples // 10) * (labels - 1) if labels and samples else 0
    return images * (1 + samples + others)


def format_duration(seconds: float) -> str:
    """Return a duration as a person says it: seconds, minutes or hours."""
    if seconds < 1.5 * MINUTE_S:
        return f"{math.ceil(seconds)} s"
    if seconds < 1.5 * HOUR_S:
        return f"{seconds / MINUTE_S:.0f} min"
    return f"{seconds / HOUR_S:.1f} h"
