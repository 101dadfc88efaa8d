"""The settings of how many requests a client may make, and the text that says so: `100/s`, `100/s 200`."""

from __future__ import annotations

import pathlib
import re
from typing import Literal, NamedTuple

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

PERIODS_S = {"s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600, "hour": 3600}
RATE = re.compile(
    rf"([0-9]{{1,9}}) ?(?:/|per) ?({'|'.join(PERIODS_S)})(?: ([1-9][0-9]{{0,8}}))?", re.IGNORECASE
)

OnError = Literal["open", "closed"]


class Rate(NamedTuple):
    """How many requests a client may make.

    Attributes:
        amount: Requests in a period.
        period_s: The period, in seconds.
        burst: How many may come at once.
    """

    amount: int
    period_s: int
    burst: int

    @property
    def interval_s(self) -> float:
        """Seconds until one more request may come."""
        return self.period_s / self.amount


class LimitSettings(BaseSettings):
    """What an operator may choose of how often clients may ask."""

    rate_limit: str = Field(
        default="",
        description="Requests that each key or address may make, such as 100/s or 1000/min; unset: any.",
    )
    rate_limit_file: pathlib.Path | None = Field(
        default=None,
        description="File of that limit, perhaps with the burst (100/s 200); read again when it changes.",
    )
    rate_burst: int | None = Field(
        default=None, ge=1, description="How many of them may come at once; unset: as many as the limit says."
    )

    rate_limit_redis: str = Field(
        default="",
        repr=False,
        description="Redis that counts for all replicas, as redis://host:6379/0; unset: each for itself.",
    )
    rate_limit_on_error: OnError = Field(
        default="open",
        description="While that Redis does not answer: open counts here alone, closed answers 503.",
    )

    @field_validator("rate_limit")
    @classmethod
    def _check_rate(cls, value: str) -> str:
        if value:
            read_rate(value)
        return value


def read_rate(text: str, burst: int | None = None) -> Rate:
    """Return the rate that a text says.

    Args:
        text: A number of requests for each second, minute or hour: `100/s`, `1000/min`, `5000/hour`. A second
            number says how many may come at once: `100/s 200`.
        burst: How many may come at once if the text does not say it; None: as many as the first number.

    Raises:
        ValueError: It is no such text.
    """
    found = RATE.fullmatch(text)
    if found is None or not int(found[1]):
        raise ValueError("expected a number of requests for each second, minute or hour, such as 100/s")
    amount = int(found[1])
    return Rate(amount, PERIODS_S[found[2].lower()], int(found[3] or burst or amount))
