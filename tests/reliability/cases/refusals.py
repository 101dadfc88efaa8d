"""Owns the cases of requests that are refused: each of a kind of fault, with the status that names it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.reliability.cases.case import JSON, NPY, Case, Check, post_json
from tests.reliability.cases.drawing import PLAIN
from tests.reliability.cases.protocol import INFER, LENGTH
from tests.reliability.references import PROBLEM
from tests.reliability.wire import Answer

TENSOR = {"name": "z", "shape": [1, 2], "datatype": "FP32", "data": [0.5, -1.0]}
# What urlencoded queries get wrong, by the status that they get.
URLS = {
    404: (
        "/nothing",
        "/digits/12?seed=3",
        "/digits/square.png",
        "/interpolate.gif?from=digit:three&to=0,0",
        "/models/nothing",
        "/decode.png?z=0,0&model=nothing",
    ),
    422: (
        "/decode.png",
        "/decode.png?z=1,2,3",
        "/decode.png?z=one,two",
        "/decode.png?z=0,0&scal=4",
        "/decode.png?z=0,0&scale=4&scale=4",
        "/decode.png?z=0,0&scale=1_0",
        "/sample.npy?n=1025&seed=1",
        "/sample.npy?n=0",
        "/sample.png?n=1000&seed=1&scale=64",
        "/digits/7.png?temperature=11",
        "/interpolate.gif?from=digit3&to=0,0",
        "/manifold.json?n=33",
        "/manifold.png?n=143",
    ),
}
BODIES: tuple[tuple[str, str, Any, int], ...] = (
    ("a number that is none", "/decode", {"z": [0.5, "one"]}, 422),
    ("a vector too long", "/decode", {"z": [1, 2, 3]}, 422),
    ("no vector", "/decode", {}, 422),
    ("a field too many", "/decode", {"z": [0, 0], "zz": 1}, 422),
    ("no such model", "/decode", {"z": [0, 0], "model": "nothing"}, 404),
    ("rows too many", "/decode", {"z": [[0, 0]] * 1025}, 422),
    ("pictures too many", "/sample", {"n": 1025}, 422),
    ("pixels beyond 1", "/encode", {"pixels": [[255.0] * 28] * 28}, 422),
    ("pixels too few", "/reconstruct", {"pixels": [[0, 0], [0, 0]]}, 422),
    ("a label that is none", "/restyle", {"pixels": [[0.0] * 28] * 28, "labels": "1x"}, 422),
    ("a model without labels", "/restyle", {"pixels": [[0.0] * 28] * 28, "model": PLAIN}, 422),
    ("no ends", "/interpolate", {"from": {}, "to": {"digit": 3}}, 422),
)
PROTOCOL: tuple[tuple[str, Any, int], ...] = (
    ("another type", {"inputs": [{**TENSOR, "datatype": "FP64"}]}, 400),
    ("another name", {"inputs": [{**TENSOR, "name": "y"}]}, 400),
    ("a shape that does not fit", {"inputs": [{**TENSOR, "shape": [2, 2]}]}, 400),
    ("no inputs", {}, 400),
)


def refusal_cases() -> Iterator[Case]:
    """Return all of them."""
    for status, targets in URLS.items():
        for target in targets:
            yield _refused(Case(f"{status} {target}", target, status=status))
    for what, target, body, status in BODIES:
        yield _refused(post_json(f"{status} {target}, {what}", target, body, status=status))
    for what, body, status in PROTOCOL:
        yield post_json(f"{status} /v2, {what}", INFER, body, status=status, check=_check_error, weight=0.5)
    for what, target, content, headers, status in _odd():
        yield _refused(Case(f"{status} {target}, {what}", target, "POST", content, headers, status=status))
    yield _refused(Case("406 /digits/7", "/digits/7?seed=1", headers={"accept": "text/html"}, status=406))
    yield _refused(Case("405 PUT /decode", "/decode", "PUT", b"{}", {"content-type": JSON}, status=405))
    headers = {LENGTH: "99999"}
    yield Case(
        "400 /v2, a length too long", INFER, "POST", b"{}", headers, _check_error, status=400, weight=0.5
    )
    body = {"inputs": [TENSOR]}
    target = INFER.replace(PLAIN, "nothing")
    yield post_json("404 /v2, no such model", target, body, status=404, check=_check_error, weight=0.5)


def _odd() -> Iterator[tuple[str, str, bytes, dict[str, str], int]]:
    json_type, npy_type = {"content-type": JSON}, {"content-type": NPY}
    yield "broken JSON", "/decode", b'{"z":', json_type, 400
    yield "a text", "/decode", b'{"z":[0,0]}', {"content-type": "text/plain"}, 415
    yield "no file", "/encode", b"not a picture", {"content-type": "image/png"}, 400
    yield "half an npy", "/decode", _write_npy()[:-5], npy_type, 400
    yield "an npy of texts", "/decode", _write_npy("<U4"), npy_type, 422
    yield "nan in an npy", "/decode", _write_npy(fill=float("nan")), npy_type, 422


def _write_npy(dtype: str = "<f4", fill: float = 0.5) -> bytes:
    file = io.BytesIO()
    np.save(file, np.full((2, 2), fill).astype(dtype))
    return file.getvalue()


def _refused(case: Case) -> Case:
    changed = {"kind": "problem", "check": _check_problem(case.status), "weight": 0.5}
    return Case(**{**{name: getattr(case, name) for name in case.__dataclass_fields__}, **changed})


def _check_problem(status: int) -> Check:
    def check(answer: Answer) -> None:
        fields = json.loads(answer.body)
        found = answer.headers.get("content-type"), fields["status"], bool(fields["detail"])
        if found != (PROBLEM, status, True):
            raise ValueError(f"expected {PROBLEM} of {status} with a detail, received {found}")
        for fault in fields["errors"]:
            if not all(fault[name] for name in ("field", "expected", "received")):
                raise ValueError(f"expected field, expected and received in each error, received {fault}")

    return check


def _check_error(answer: Answer) -> None:
    if answer.headers.get("content-type") != JSON or not json.loads(answer.body)["error"]:
        raise ValueError(f"expected an error in JSON, received {answer.body!r}")
