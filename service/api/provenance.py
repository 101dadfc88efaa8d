"""What made a picture: written into its file on request, and read from files that are uploaded."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from fastapi import Request
from pydantic import ValidationError

from service.api.schemas.provenance import MadeBy
from service.batching.context import RequestContext
from service.core.arrays import Floats
from service.core.json.writer import dump
from service.http.disconnect import unless_gone
from service.imaging.notes import read_note
from service.imaging.representation import NOTE
from service.inference.engine import Engine

# Of what else the answer says, that which drew the picture.
CAUSES = ("digit", "prior", "seed", "temperature")
# More numbers are left out, so that a note stays shorter than most pictures of so many.
MOST_NUMBERS = 8192
# Bytes of files whose notes are read on the event loop, in 1 ms at most; of the longest note it takes 10.
INLINE_BYTES = 16_384


def describe(engine: Engine, rows: Floats, extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the further field that has a writer put a note into the picture.

    Args:
        engine: The engine of the model that decodes the rows.
        rows: Rows from its latent space; the vectors and labels of few are noted.
        extra: Further fields of the answer.
    """
    manifest, dim = engine.manifest, engine.space.dim
    causes = {name: extra[name] for name in CAUSES if extra and extra.get(name) is not None}
    fields: dict[str, Any] = {"model": manifest.name, "version": manifest.version, **causes}
    if rows.size <= MOST_NUMBERS:
        fields["z"] = rows[:, :dim]
        fields |= _find_labels(engine, rows[:, dim:])
    return {NOTE: dump(fields)}


def _find_labels(engine: Engine, one_hot: Floats) -> dict[str, list[int]]:
    # On the way from one label to another there is none.
    if one_hot.shape[1] == 0 or not (one_hot.max(axis=1) == 1).all():
        return {}
    return {"label": [engine.space.labels[i] for i in np.argmax(one_hot, axis=1)]}


async def read_notes(
    request: Request, files: Sequence[tuple[str, bytes]], call: RequestContext
) -> list[dict[str, Any] | None]:
    """Return what made each of the uploaded files, where it says so."""
    contents = [content for _, content in files]
    if sum(map(len, contents)) <= INLINE_BYTES:
        return [_read_note(content) for content in contents]
    return await unless_gone(request, call.run(functools.partial(list, map(_read_note, contents))))


def _read_note(content: bytes) -> dict[str, Any] | None:
    note = read_note(content)
    try:
        return None if note is None else MadeBy.model_validate_json(note).model_dump(exclude_none=True)
    except ValidationError:
        return None
