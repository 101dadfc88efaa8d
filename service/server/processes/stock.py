"""The bundles that workers serve, kept by their parent for those that start.

Invariant: whoever has died, a worker serves what the others do before it listens, earlier versions too.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from service.server.processes.handle import Worker
from service.server.processes.messages import GIVEN, START, WANT


class Stock:
    """What a new worker is told to serve.

    Attributes:
        bundles: As a worker has pickled them; None: what the folder holds.
    """

    def __init__(self) -> None:
        self.bundles: bytes | None = None
        self._held = False

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Let workers that start wait until the context ends, which may change what they are to serve."""
        self._held = True
        try:
            yield
        finally:
            self._held = False

    def furnish(self, workers: Sequence[Worker]) -> None:
        """Tell workers that are starting what to serve.

        Args:
            workers: All of them; what they have said has been taken in. One that has read the folder says
                what it found before it says that it listens.
        """
        for worker in workers:
            if self.bundles is None and worker.ready:
                self.bundles = worker.take(GIVEN)
        for worker in workers:
            # Only one reads the folder, which may change meanwhile; the others wait for what it finds.
            reads = self.bundles is None and any(other.furnished and other.starting for other in workers)
            if not self._held and not reads and worker.take(WANT):
                worker.furnished = True
                worker.tell(START, self.bundles)
