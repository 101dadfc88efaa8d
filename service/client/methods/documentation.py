"""Give a method the documentation of the request that it sends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

M = TypeVar("M", bound=Callable[..., Any])


def documented_by(build: Callable[..., Any]) -> Callable[[M], M]:
    """Return the decorator of a method whose `help` is to show the docstring of a function.

    Args:
        build: A function of `service.client.requests`, which takes the same arguments.
    """

    def decorate(method: M) -> M:
        method.__doc__ = build.__doc__
        return method

    return decorate
