"""Owns the cases of what names a version: answered while that version is served or kept, else 404."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.reliability.cases.case import JSON, Case, Check, post_json
from tests.reliability.pictures import TOLERANCE, read_npy
from tests.reliability.truth import Floats, Truth, near
from tests.reliability.wire import Answer

POINT = (0.5, -1.0)
ROWS = 65


def write_picture_url(reference: str) -> str:
    """Return the path of a picture by `name@version`."""
    return f"/decode.npy?z={POINT[0]},{POINT[1]}&model={reference}"


def pinned_cases(truth: Truth, *, known: bool) -> Iterator[Case]:
    """Return the cases of a version.

    Args:
        truth: What it makes of rows.
        known: Whether it is served or kept.
    """
    name, version = truth.manifest.name, truth.manifest.version
    one = truth.space.place(np.array([POINT]))
    many = truth.space.sample(3, 1.0, ROWS)
    picture, pictures = _check_rows(truth, one), _check_rows(truth, many)
    of, pinned = truth.reference, f"model={truth.reference}"
    graph = f"/v2/models/{name}.decoder/versions/{version}"
    yield _get(write_picture_url(of), picture, known=known)
    yield _get(f"/decode.png?z=0.5,-1.0&{pinned}", _check_model(of), known=known)
    yield _get(f"/sample.npy?n={ROWS}&seed=3&{pinned}", pictures, known=known)
    yield _get(f"/models/{of}", _check_name(of, "reference"), known=known)
    yield _get(f"/models/{of}/card", _check_card(truth), known=known)
    body = {"z": [list(POINT)], "model": of}
    target = "/decode?format=npy"
    yield _expect(post_json(f"POST {target} {of}", target, body, check=picture), known=known)
    for path in ("", "/ready", "/config"):
        yield _get(f"{graph}{path}", _check_name(f"{name}.decoder", "name"), known=known, protocol=True)
    tensor = {"name": "z", "shape": [1, len(POINT)], "datatype": "FP32", "data": list(POINT)}
    case = post_json(f"POST {graph}", f"{graph}/infer", {"id": "an id", "inputs": [tensor]})
    yield _expect(case, known=known, protocol=True)


def _get(target: str, check: Check, *, known: bool, protocol: bool = False) -> Case:
    return _expect(Case(f"GET {target}", target, check=check), known=known, protocol=protocol)


def _expect(case: Case, *, known: bool, protocol: bool = False) -> Case:
    """Return a case that is refused if the version is not known."""
    if known:
        return case
    changed: dict[str, Any] = {
        "status": 404,
        "kind": "bytes" if protocol else "problem",
        "check": _check_refusal,
    }
    return Case(**{**vars(case), **changed})


def _check_model(reference: str) -> Check:
    def check(answer: Answer) -> None:
        if (found := answer.headers.get("cvae-model")) != reference:
            raise ValueError(f"CVAE-Model: expected {reference}, received {found}")

    return check


def _check_rows(truth: Truth, rows: Floats) -> Check:
    expected, check_model = truth.decode(rows), _check_model(truth.reference)

    def check(answer: Answer) -> None:
        check_model(answer)
        near(read_npy(answer.body), expected, TOLERANCE, "pictures")

    return check


def _check_name(expected: str, field: str) -> Check:
    def check(answer: Answer) -> None:
        if (found := json.loads(answer.body)[field]) != expected:
            raise ValueError(f"{field}: expected {expected}, received {found}")

    return check


def _check_card(truth: Truth) -> Check:
    def check(answer: Answer) -> None:
        if answer.body.decode() != truth.bundle.card:
            raise ValueError("card: expected the bundle's README.md, received another text")

    return check


def _check_refusal(answer: Answer) -> None:
    if JSON.rpartition("/")[2] not in answer.headers.get("content-type", ""):
        raise ValueError(f"expected an error in JSON, received {answer.body[:200]!r}")
