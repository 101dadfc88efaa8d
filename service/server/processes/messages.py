"""The messages between a worker and its parent: each is a kind and what belongs to it.

The parent asks PREPARE of all workers. Then, with what they have agreed on, it asks GIVE of one and SWAP of
all; or it says DROP.
"""

from __future__ import annotations

import signal
from typing import Any

# The signal by which a parent ends a worker at once: others that it could send also come to whole groups.
AT_ONCE = signal.SIGQUIT

# From a worker: it is about to load. From the parent: what, as the pickled bundles that the others serve; or
# None, for those of the files.
WANT, START = "want", "start"
# From the parent: load what is new; serve what was agreed on; forget what was loaded.
PREPARE, SWAP, DROP = "prepare", "swap", "drop"
# From the parent: send the bundles that would be served; how a reload ended; how many workers there are.
GIVE, ENDED, CENSUS = "give", "ended", "census"
# From a worker: it listens; its event loop runs; it asks for a reload; the answers to PREPARE, SWAP and GIVE.
# The bundles of the files are GIVEN unasked, before READY.
READY, BEAT, ASK, PREPARED, SWAPPED, GIVEN = "ready", "beat", "ask", "prepared", "swapped", "given"

Message = tuple[str, Any]
