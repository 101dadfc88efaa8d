"""Owns the cases of what draws paths and grids: /interpolate and /manifold, in every format."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from service.latent.parsing import read_point
from tests.reliability.cases.case import Case, post_json, weigh
from tests.reliability.cases.drawing import LABELLED, PLAIN, STILL, WIDE, check_rows, write_url
from tests.reliability.truth import find_truth

MOVING = (*STILL, "gif", "apng", "ndjson")


def path_cases() -> Iterator[Case]:
    """Return all of them."""
    yield from _interpolations()
    yield from _manifolds()


def _interpolations() -> Iterator[Case]:
    for model, to in ((PLAIN, "0.1,-0.4"), (WIDE, "digit:8")):
        space = find_truth(model).space
        for steps in (2, 16, 64, 65, 300):
            rows = space.connect([read_point("digit:3", "from"), read_point(to, "to")], steps, None)
            for extension in MOVING:
                if steps > 65 and extension == "webp":
                    continue
                query = {"from": "digit:3", "to": to, "steps": steps, "model": model}
                look = {"columns": steps} if extension in ("png",) else {}
                check = check_rows(model, rows, extension, look, moves=True)
                yield Case(
                    f"GET /interpolate.{extension} {model} {steps}",
                    write_url(f"/interpolate.{extension}", **query),
                    check=check,
                    weight=weigh(steps) / 2,
                )
                body = {"from": {"digit": 3}, "to": _end(to), "steps": steps, "model": model}
                yield post_json(
                    f"POST /interpolate {extension} {model} {steps}",
                    f"/interpolate?format={extension}",
                    body,
                    check=check,
                    weight=weigh(steps) / 4,
                )
    space = find_truth(PLAIN).space
    rows = space.connect([read_point("digit:3", "from"), read_point("digit:8", "to")], 1024, None)
    for extension in ("apng", "ndjson", "zip", "npy"):
        target = write_url(
            f"/interpolate.{extension}",
            **{"from": "digit:3", "to": "digit:8", "steps": 1024, "dtype": "uint8"},
        )
        yield Case(
            f"GET /interpolate.{extension} 1024",
            target,
            check=check_rows(PLAIN, rows, extension),
            weight=0.05,
        )


def _end(text: str) -> dict[str, Any]:
    point = read_point(text, "to")
    return {"digit": point.digit} if point.z is None else {"z": point.z.tolist()}


def _manifolds() -> Iterator[Case]:
    space = find_truth(PLAIN).space
    for n in (1, 5, 16, 17, 20, 32):
        rows = space.spread(n, 3.0, (0, 1), None)
        for extension in ("png", "npy", *(("json", "zip", "webp") if n <= 16 else ())):
            look = {"columns": n} if extension in ("png", "webp") else {}
            target = f"/manifold.{extension}?n={n}&dtype=uint8"
            yield Case(
                f"GET /manifold.{extension} {n}",
                target,
                check=check_rows(PLAIN, rows, extension, look),
                weight=weigh(n * n),
            )
    rows = find_truth(LABELLED).space.spread(6, 2.0, (3, 9), 4)
    target = f"/manifold.png?n=6&extent=2&dims=3,9&label=4&model={LABELLED}"
    yield Case(
        "GET /manifold.png of a label", target, check=check_rows(LABELLED, rows, "png", {"columns": 6})
    )
