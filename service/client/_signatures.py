"""The name, docstring and signature that `help` shows of a method made from a request builder."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

M = TypeVar("M", bound=Callable[..., Any])


def described_by(build: Callable[..., Any]) -> Callable[[M], M]:
    """Copy the name, the docstring and the parameters of a function to a method that calls it.

    Args:
        build: The function; its return type is not copied.

    Returns:
        The decorator of the method.
    """

    def decorate(method: M) -> M:
        functools.update_wrapper(method, build)
        own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
        parameters = [own, *inspect.signature(build).parameters.values()]
        method.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return method

    return decorate
