"""Make the guard that the settings ask for."""

from __future__ import annotations

from service.core.settings import Settings
from service.security.guard import Check, Guard
from service.security.rate_limit import create_rate_limit


def create_guard(settings: Settings) -> Guard | None:
    """Return the guard, or None if the settings let everyone in.

    Raises:
        StartupError: There is no room to count requests.
    """
    # In the order in which they are asked.
    checks: list[Check] = []
    if settings.rate is not None:
        checks.append(create_rate_limit(settings.rate))
    return Guard(checks) if checks else None
