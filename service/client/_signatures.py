"""Owns what `help` shows of a method that is made of a function."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

M = TypeVar("M", bound=Callable[..., Any])


def described_by(build: Callable[..., Any]) -> Callable[[M], M]:
    """Gives a method the name, the docstring and the parameters of a function that it passes them to.

    Args:
        build: The function; what it returns is not what the method does.

    Returns:
        A decorator.
    """

    def decorate(method: M) -> M:
        functools.update_wrapper(method, build)
        own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
        parameters = [own, *inspect.signature(build).parameters.values()]
        method.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return method

    return decorate
