"""Make the guard that the settings ask for."""

from __future__ import annotations

from service.core.settings import Settings
from service.security.access import Access
from service.security.guard import Check, Guard, Job
from service.security.rate_limit import CountedRefusals, create_rate_limit
from service.security.shared_limit import create_shared_limit
from service.security.sources import read_sources
from service.security.watched_file import Remembered


def create_guard(settings: Settings, remembered: Remembered | None = None) -> Guard | None:
    """Return the guard, or None if the settings let everyone in.

    Args:
        settings: Of this process.
        remembered: See `read_sources`.

    Raises:
        StartupError: A setting is wrong, or there is no room to count requests. The message holds no key.
    """
    sources = read_sources(settings, remembered)
    keys, pairs, rate = sources
    own = None if rate is None else create_rate_limit(rate.value)
    # In the order in which they are asked: who it is, then how often.
    checks: list[Check] = []
    if keys is not None or pairs is not None:
        access = Access(keys, pairs)
        checks.append(access if own is None else CountedRefusals(access, own))
    jobs: list[Job] = [source.keep_fresh for source in sources if source is not None]
    if rate is not None and own is not None:
        rate.watchers.append(own.change)
        checks.append(own)
    if rate is not None and settings.rate_limit_redis:
        url, on_error = settings.rate_limit_redis, settings.rate_limit_on_error
        shared = create_shared_limit(rate.value, url, on_error)
        rate.watchers.append(shared.change)
        checks.append(shared)
        jobs.append(shared.keep_open)
    return Guard(checks, jobs) if checks else None
