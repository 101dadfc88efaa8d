"""Owns the soak of a service whose models are replaced and whose workers are killed meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import pathlib
import shutil
from collections.abc import Iterator, Mapping, Sequence

from tests.reliability import soak, watched
from tests.reliability.cases.pinned import pinned_cases, write_picture_url
from tests.reliability.making import Made, make_each, make_references, write_references
from tests.reliability.references import PROBLEM, Kind, Reference, keep
from tests.reliability.reloads import SETTINGS, Disturber
from tests.reliability.serving import Service, serve
from tests.reliability.truth import Truth
from tests.reliability.versions import Version, write_versions
from tests.reliability.wire import connect


@contextlib.contextmanager
def serve_disturbed(
    folder: pathlib.Path,
    workers: int,
    settings: Mapping[str, str],
    reloads: int,
    kills: int,
    every: int = 1,
) -> Iterator[tuple[Service, pathlib.Path, Disturber, list[str]]]:
    """Run a service to be disturbed, with a watch on its event loops.

    Args:
        folder: For all files.
        workers: Its processes; several, if some are to be killed.
        settings: Further ones; what is right does not follow from them.
        reloads: How many.
        kills: How many.
        every: Takes only each so-manieth case.

    Yields:
        The service, the file of references, what disturbs it, and what was wrong at rest.
    """
    versions = write_versions(folder)
    made = _make_states(folder, versions, every)
    write_references(made.references, path := folder / "references")
    models = shutil.copytree(versions[0].models, folder / "models")
    settings = {**SETTINGS, **settings, "CVAE_MODELS_DIR": str(models)}
    pictures = _find_pictures(made.references, versions)
    with serve(folder, workers, settings, watched.run_in(folder)) as service:
        disturber = Disturber(service, models, versions, reloads, kills, pictures)
        disturber.begin()
        yield service, path, disturber, made.faults


def _make_states(folder: pathlib.Path, versions: Sequence[Version], every: int) -> Made:
    """Return references with an answer for each version that is the current one, the one before it kept."""
    models = shutil.copytree(versions[0].models, folder / "rest")
    truths = [Truth(version.bundle) for version in versions]
    pinned: list[list[Reference]] = []
    with serve(folder, 1, {**SETTINGS, "CVAE_MODELS_DIR": str(models)}) as service:
        disturber = Disturber(service, models, versions)
        disturber.begin()
        made = asyncio.run(make_references(service.port, every))
        references, faults = made.references, made.faults
        for state in range(len(versions)):
            if state:
                disturber.reload()
                references = asyncio.run(add_others(references, service.port))
            known = truths[state], truths[state - 1]
            cases = [case for truth in truths for case in pinned_cases(truth, known=truth in known)]
            found = asyncio.run(make_each(service.port, cases))
            pinned.append(found.references)
            faults = faults + found.faults
    return Made(references + join(pinned), faults + disturber.faults)


async def add_others(references: Sequence[Reference], port: int) -> list[Reference]:
    """Return references that have what a service at rest answers now as one more right answer.

    Args:
        references: Made when it had other versions.
        port: Of the service.
    """
    found = []
    for reference in references:
        connection = await connect(port)
        await connection.send(reference.to_bytes(close=True))
        answer = await connection.receive(reference.method)
        connection.close()
        kind: Kind = "problem" if answer.headers.get("content-type") == PROBLEM else reference.kind
        other = dataclasses.replace(
            reference,
            kind=kind,
            status=answer.status,
            headers=keep(answer.headers, kind),
            body=answer.body,
            others=(),
        )
        found.append(dataclasses.replace(reference, others=(*reference.others, other)))
    return found


def join(states: Sequence[Sequence[Reference]]) -> list[Reference]:
    """Return the references of a state, each with those of its name in the others."""
    rest = [{reference.name: reference for reference in state} for state in states[1:]]
    return [
        dataclasses.replace(first, others=tuple(state[first.name] for state in rest if first.name in state))
        for first in states[0]
    ]


def _find_pictures(references: Sequence[Reference], versions: Sequence[Version]) -> dict[str, bytes]:
    answers = [each for reference in references for each in (reference, *reference.others)]
    bodies = {answer.name: answer.body for answer in answers if answer.status == 200}
    return {each.reference: bodies[f"GET {write_picture_url(each.reference)}"] for each in versions}


def soak_disturbed(
    folder: pathlib.Path, workers: int, settings: Mapping[str, str], plan: soak.Plan, reloads: int, kills: int
) -> soak.Result:
    """Soak a service and disturb it; see `serve_disturbed`."""
    with serve_disturbed(folder, workers, settings, reloads, kills) as (service, path, disturber, faults):
        result = soak.soak(service, path, plan, disturber)
    result.held = watched.read(folder)
    result.faults[:0] = [f"at rest: {fault}" for fault in faults]
    return result
