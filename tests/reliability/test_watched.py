"""The watch on the event loop: what holds the loop is found, and told from what only waits."""

from __future__ import annotations

import asyncio
import pathlib
import time

from tests.reliability.watched import Watch, read, run_in

# Even on a busy machine, who looks what the loop runs gets a core in the meantime.
LONG_S = 1.0


def compute(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_what_held_the_loop_is_kept_the_longest_first(tmp_path: pathlib.Path) -> None:
    async def hold() -> None:
        watch.start()
        await asyncio.sleep(0.01)
        time.sleep(LONG_S)
        await asyncio.sleep(0.01)
        compute(0.1)
        await asyncio.sleep(0.01)

    _, folder = run_in(tmp_path)
    watch = Watch(pathlib.Path(folder, "1.json"))
    asyncio.run(hold())
    watch.write()
    pauses = read(tmp_path)
    assert pauses == sorted(pauses, key=lambda pause: -pause["wall_ms"])
    # A busy machine adds pauses of its own, in which the loop runs nothing of these.
    waited = next(pause for pause in pauses if any(" hold" in frame for frame in pause["stack"][-1:]))
    computed = next(pause for pause in pauses if any(" compute" in frame for frame in pause["stack"]))
    assert waited["wall_ms"] >= 0.95e3 * LONG_S
    assert waited["cpu_ms"] < 50
    assert computed["cpu_ms"] >= 95
