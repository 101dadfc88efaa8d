"""Watch the folder of bundles: once it has come to rest after a change, ask for a reload."""

from __future__ import annotations

import logging
import pathlib
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)

# A copy that writes nothing for so long is done, or will be seen again when it goes on.
SETTLED_MS = 1000
# A folder in which something changes all the time is read from time to time nevertheless.
LONGEST_MS = 60_000


def watch_folder(folder: pathlib.Path, changed: Callable[[], object]) -> None:
    """Call a function, in a thread, after each change in a folder that has come to rest.

    Args:
        folder: Of bundles.
        changed: To be called.
    """
    threading.Thread(target=_watch, args=(folder, changed), daemon=True, name="watch").start()


def _watch(folder: pathlib.Path, changed: Callable[[], object]) -> None:
    import watchfiles

    logging.getLogger("watchfiles").setLevel(logging.WARNING)  # what a reload does says enough
    logger.info("watching %s", folder.absolute())
    try:
        for _ in watchfiles.watch(folder, step=SETTLED_MS, debounce=LONGEST_MS, raise_interrupt=False):
            changed()
    except (OSError, RuntimeError) as error:
        logger.error("%s is not watched any more: %s", folder.absolute(), error)
