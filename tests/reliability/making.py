"""Owns making references: every case is asked alone, of a service at rest, and held against the truth."""

from __future__ import annotations

import dataclasses
import itertools
import pathlib
import pickle
from collections.abc import Iterable

from tests.reliability.cases.case import Case
from tests.reliability.cases.catalogue import CACHED, catalogue_cases, conditional_cases
from tests.reliability.cases.drawing import draw_cases
from tests.reliability.cases.paths import path_cases
from tests.reliability.cases.protocol import protocol_cases
from tests.reliability.cases.refusals import refusal_cases
from tests.reliability.cases.uploads import upload_cases
from tests.reliability.references import Reference, judge, keep
from tests.reliability.wire import Answer, Connection, connect


@dataclasses.dataclass(frozen=True)
class Made:
    """References, and what was wrong with the answers at rest.

    Attributes:
        references: Of the cases whose answers were right.
        faults: What the others got, a line each.
    """

    references: list[Reference]
    faults: list[str]


async def make_references(port: int, every: int = 1) -> Made:
    """Ask for everything, at rest.

    Args:
        port: Of the service.
        every: Takes only each so-manieth case, for who has little time.

    Returns:
        The references, and the faults that were found on the way.

    Raises:
        CutError: The service closed the connection.
    """
    connection = await connect(port)
    made = Made([], [])
    groups = (
        draw_cases(),
        path_cases(),
        upload_cases(),
        protocol_cases(),
        catalogue_cases(),
        refusal_cases(),
    )
    cases = itertools.islice(itertools.chain(*groups), 0, None, every)
    connection = await _make_each(port, connection, cases, made)
    cached = {}
    for target in CACHED:
        cached[target] = await _ask(connection, Case(target, target))
    conditional = itertools.islice(conditional_cases(cached), 0, None, every)
    connection = await _make_each(port, connection, conditional, made)
    connection.close()
    return made


async def make_each(port: int, cases: Iterable[Case]) -> Made:
    """Ask for some things, at rest; see `make_references`."""
    made = Made([], [])
    connection = await _make_each(port, await connect(port), cases, made)
    connection.close()
    return made


async def _make_each(port: int, connection: Connection, cases: Iterable[Case], made: Made) -> Connection:
    for case in cases:
        answer = await _ask(connection, case)
        if answer.closes:
            connection.close()
            connection = await connect(port)
        reference = to_reference(case, answer)
        fault = find_fault(case, answer)
        if not fault:
            again = await _ask(connection, case)
            if again.closes:
                connection.close()
                connection = await connect(port)
            fault = judge(reference, again).reason
        if fault:
            made.faults.append(f"{case.name}: {fault}")
        else:
            made.references.append(reference)
    return connection


async def _ask(connection: Connection, case: Case) -> Answer:
    await connection.send(case.head + b"\r\n" + case.content)
    return await connection.receive(case.method)


def to_reference(case: Case, answer: Answer) -> Reference:
    """Return an answer as the reference of a case."""
    return Reference(
        case.name,
        case.method,
        case.head,
        case.content,
        case.weight,
        case.kind,
        case.status,
        keep(answer.headers, case.kind),
        answer.body,
    )


def find_fault(case: Case, answer: Answer) -> str:
    """Say what is wrong with an answer by the truth; nothing if it is right."""
    if answer.status != case.status:
        return f"expected status {case.status}, received {answer.status}: {answer.body[:200]!r}"
    length = answer.headers.get("content-length")
    if case.method != "HEAD" and case.status != 304 and length not in (None, str(len(answer.body))):
        return f"expected {length} bytes, received {len(answer.body)}"
    try:
        case.check(answer)
    except Exception as error:
        # Whatever the readers of a broken zip, picture or JSON raise: each has its own.
        return f"{type(error).__name__}: {error}"
    return ""


def write_references(references: list[Reference], path: pathlib.Path) -> None:
    """Write references for the processes that make the load."""
    path.write_bytes(pickle.dumps(references))


def read_references(path: pathlib.Path) -> list[Reference]:
    """Read what `write_references` wrote."""
    references: list[Reference] = pickle.loads(path.read_bytes())
    return references
