"""What files of keys and limits said last, kept for workers that start while one is faulty, by their parent.

Invariant: nothing of it is written anywhere; API keys are hashes already.
"""

from __future__ import annotations

import threading
import time

from service.core.settings import Settings
from service.security.sources import read_sources
from service.security.watched_file import LOOK_S, Remembered


class RememberedSources:
    """The files of keys and limits that the settings name, looked at again and again, as workers do."""

    def __init__(self, settings: Settings) -> None:
        """Read them.

        Raises:
            StartupError: See `read_sources`.
        """
        found = [source for source in read_sources(settings) if source is not None]
        self._files = [source for source in found if source.remember()]

    def start(self) -> None:
        """Look at the files from now on, in a thread."""
        if self._files:
            threading.Thread(target=self._keep_fresh, daemon=True, name="keys").start()

    def recall(self) -> Remembered:
        """Return what the files say, or what they said before they were faulty."""
        return {key: value for source in self._files for key, value in source.remember().items()}

    def _keep_fresh(self) -> None:
        while True:
            time.sleep(LOOK_S)
            for source in self._files:
                source.refresh()
