"""Finished pictures behind image URLs, kept by their entity tags.

A tag stands for the model, the rows and the representation, and is known before anything runs: what is kept
under it is what would be made, to the byte.
"""

from __future__ import annotations

import collections
from collections.abc import Callable

# What an entry takes beside its content.
ENTRY_BYTES = 200
# One picture may take no more than such a part of the room.
MOST_SHARE = 8


class PictureCache:
    """The pictures that were asked for last, within a limit of bytes. For one thread.

    Attributes:
        max_bytes: Of all of them; 0: none is kept.
        held_bytes: That they take now.
    """

    def __init__(self, max_bytes: int, count: Callable[[bool], None]) -> None:
        """Begin empty.

        Args:
            max_bytes: Of all pictures.
            count: Told at each look whether the picture was there.
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
        """Keep a picture, in place of those that nobody has asked for longest."""
        size = _measure(content)
        if size > self.max_bytes // MOST_SHARE or tag in self._pictures:
            return
        self._pictures[tag] = content
        self.held_bytes += size
        while self.held_bytes > self.max_bytes:
            self.held_bytes -= _measure(self._pictures.popitem(last=False)[1])


def _measure(content: bytes) -> int:
    return len(content) + ENTRY_BYTES
