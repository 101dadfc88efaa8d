"""Asks a service at rest for all answers of a kind and checks each: they are the references under load."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Sequence

from benchmarks.harness.answers import Answer, AnswerError
from benchmarks.harness.series import Request, Series, ask_each, write_series
from benchmarks.harness.servers import ServerError
from benchmarks.suites.kinds.catalogue import Kind


def learn(port: int, kind: Kind, folder: pathlib.Path) -> Series | None:
    """Ask for all answers of a kind, and check each.

    Args:
        port: Of the service, at rest.
        kind: To ask for.
        folder: For the files.

    Returns:
        The series to load a service with; None: this one does not answer the kind.

    Raises:
        ServerError: An answer is wrong.
    """
    requests = [kind.make(i) for i in range(kind.count)]
    if ask_each(port, requests[:1])[0].status >= 400:
        return None
    answers = ask_each(port, requests)
    try:
        _check(kind, answers)
        if kind.held:
            requests = list(map(_hold, requests, answers))
            answers = ask_each(port, requests)
            _check_held(answers)
        return write_series(folder, requests, answers, kind.varies)
    except (AnswerError, ValueError) as error:
        raise ServerError(f"{kind.name}: {error}") from error


def _check(kind: Kind, answers: Sequence[Answer]) -> None:
    for i, answer in enumerate(answers):
        kind.check(answer, i)
        if answer.media_type != kind.media_type:
            raise AnswerError(f"expected {kind.media_type or 'no media type'}, received {answer.media_type}")


def _hold(request: Request, answer: Answer) -> Request:
    return dataclasses.replace(request, headers=(*request.headers, ("If-None-Match", answer.tag)))


def _check_held(answers: Sequence[Answer]) -> None:
    for answer in answers:
        if (answer.status, answer.body) != (304, b""):
            raise AnswerError(f"expected 304 and nothing, received {answer.status} {answer.body[:200]!r}")
