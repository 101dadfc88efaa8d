"""A cache of finished pictures for image URLs, by their entity tags.

A tag stands for the model, the rows and the representation, and is known before anything runs: a picture that
is kept under it is, byte for byte, the one that would be made.
"""

from __future__ import annotations

import collections
from collections.abc import Callable

# Bytes that an entry takes beside its content.
ENTRY_BYTES = 200
# One picture may take no more than an eighth of the cache.
MOST_SHARE = 8


class PictureCache:
    """The pictures that were asked for last, within a limit of bytes. For one thread.

    Attributes:
        max_bytes: Most bytes of all pictures together; 0: none is kept.
        held_bytes: Bytes that they take now.
    """

    def __init__(self, max_bytes: int, count: Callable[[bool], None]) -> None:
        """Start with no pictures.

        Args:
            max_bytes: Most bytes of all pictures together.
            count: Called at each look-up, with whether the picture was there.
        """
        self.max_bytes = max_bytes
        self.held_bytes = 0
        self._count = count
        self._pictures: collections.OrderedDict[str, bytes] = collections.OrderedDict()

    def get(self, tag: str) -> bytes | None:
        """Return the picture of a tag, if it is kept."""
        if not self.max_bytes:
            return None
        content = self._pictures.get(tag)
        self._count(content is not None)
        if content is not None:
            self._pictures.move_to_end(tag)
        return content

    def put(self, tag: str, content: bytes) -> None:
        """Keep a picture, in place of those that have not been asked for the longest."""
        size = _measure(content)
        if size > self.max_bytes // MOST_SHARE or tag in self._pictures:
            return
        self._pictures[tag] = content
        self.held_bytes += size
        while self.held_bytes > self.max_bytes:
            self.held_bytes -= _measure(self._pictures.popitem(last=False)[1])


def _measure(content: bytes) -> int:
    return len(content) + ENTRY_BYTES
