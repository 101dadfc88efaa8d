"""Errors go where other exceptions go: into copies, pickles and other processes."""

from __future__ import annotations

import concurrent.futures
import copy
import multiprocessing
import pickle
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from service.client import errors
from service.client.errors import CvaeError, Fault, ServiceError, UnreachableError, to_error

PROBLEM = {
    "title": "Unprocessable Content",
    "detail": "z: expected 2 numbers",
    "errors": [{"field": "z", "expected": "2 numbers", "received": "3"}],
}
HEADERS = {"X-Request-ID": "7", "Retry-After": "3"}


def make(status: int) -> ServiceError:
    return to_error(httpx.Response(status, headers=HEADERS, json=PROBLEM))


def list_kinds(kind: type[CvaeError] = CvaeError) -> list[type[CvaeError]]:
    return [kind, *(each for below in kind.__subclasses__() for each in list_kinds(below))]


ALL = [
    *(kind("what happened") for kind in list_kinds() if not issubclass(kind, ServiceError)),
    UnreachableError("what happened", lasting=True),
    *map(make, (404, 422, 429, 500, 503, 504)),
]


def test_the_errors_here_are_all_there_are() -> None:
    assert {type(error) for error in ALL} == set(list_kinds())
    assert {kind.__name__ for kind in list_kinds()} <= set(dir(errors))


def travel(error: CvaeError) -> Any:
    return pickle.loads(pickle.dumps(error))


@pytest.mark.parametrize("error", ALL, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("again", [travel, copy.copy, copy.deepcopy])
def test_a_copy_says_the_same(error: CvaeError, again: Callable[[CvaeError], Any]) -> None:
    error.add_note("seen twice")
    made = again(error)
    assert type(made) is type(error)
    assert made is not error
    assert (str(made), made.args, vars(made)) == (str(error), error.args, vars(error))


def fail(status: int) -> None:
    raise make(status)


def test_an_error_comes_back_from_another_process() -> None:
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        with pytest.raises(errors.BusyError, match="expected 2 numbers") as caught:
            pool.submit(fail, 429).result(60)
        assert pool.submit(abs, -1).result(60) == 1
    assert caught.value.errors == (Fault("z", "2 numbers", "3"),)
    assert (caught.value.status, caught.value.request_id, caught.value.retry_after) == (429, "7", "3")
