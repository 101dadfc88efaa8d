"""The watch on the event loop: what holds the loop is found, and told from what only waits."""

from __future__ import annotations

import asyncio
import json
import pathlib
import time

from tests.reliability.watched import Watch


def compute(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_what_held_the_loop_is_kept_the_longest_first(tmp_path: pathlib.Path) -> None:
    async def hold() -> None:
        watch.start()
        await asyncio.sleep(0.01)
        time.sleep(0.2)
        await asyncio.sleep(0.01)
        compute(0.1)
        await asyncio.sleep(0.01)

    watch = Watch()
    asyncio.run(hold())
    watch.write(path := tmp_path / "pauses")
    waited, computed = sorted(json.loads(path.read_text())["pauses"][:2], key=lambda pause: pause["at_s"])
    assert waited["wall_ms"] >= 190
    assert waited["cpu_ms"] < 50
    assert computed["cpu_ms"] >= 95
    assert any("hold" in frame for frame in waited["stack"])
    assert any("compute" in frame for frame in computed["stack"])
