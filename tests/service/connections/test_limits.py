from __future__ import annotations

from typing import Any

import pytest

from service.connections.limits import KEEP_ALIVE_S, Phase, SocketLimits, Watch
from service.core.settings import Settings


class Seen:
    """A connection that is at one thing."""

    now: tuple[Phase, Any] = ("body", 0)

    def phase(self) -> tuple[Phase, Any]:
        return self.now


def test_the_limits_are_those_of_the_settings() -> None:
    settings = Settings(head_timeout_ms=1500, body_timeout_ms=2500, write_timeout_ms=3500, max_connections=7)
    assert SocketLimits.of(settings) == SocketLimits(65_536, 1.5, 2.5, 3.5, 7)


@pytest.mark.parametrize("field", ["head_timeout_s", "body_timeout_s", "write_timeout_s", "max_head_bytes"])
def test_what_is_unset_is_as_in_the_settings(field: str) -> None:
    assert getattr(SocketLimits(), field) == getattr(SocketLimits.of(Settings()), field)


def test_connections_outlast_the_pools_of_clients() -> None:
    assert KEEP_ALIVE_S > 65


def test_time_begins_anew_with_each_progress() -> None:
    watch, seen = Watch(SocketLimits(body_timeout_s=5)), Seen()
    assert [watch.look(seen, now) for now in (10, 14.9)] == [None, None]
    seen.now = "body", 1
    assert [watch.look(seen, now) for now in (15, 19.9)] == [None, None]
    assert watch.look(seen, 20) == "body"
    seen.now = "answer", None
    assert [watch.look(seen, now) for now in (21, 1e9)] == [None, None]
