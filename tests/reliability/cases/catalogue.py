"""Owns the cases of what runs no model: models, cards, atlases, maps, health, the schema; HEAD and 304."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from tests.reliability.cases.case import Case, Check
from tests.reliability.cases.drawing import LABELLED, PLAIN, WIDE
from tests.reliability.pictures import read_npy, read_png
from tests.reliability.references import keep
from tests.reliability.truth import find_truth, near
from tests.reliability.wire import Answer

# Of these, a HEAD and a 304 are asked too.
CACHED = (
    "/decode.png?z=0.5,-1.0",
    "/decode.json?z=0.5,-1.0",
    "/digits/7?seed=3",
    "/digits/7.png?seed=3",
    "/sample.png?n=16&seed=1",
    "/sample.npy?n=512&seed=1",
    "/interpolate.gif?from=digit:3&to=0.1,-0.4&steps=16",
    "/interpolate.apng?from=digit:3&to=0.1,-0.4&steps=100",
    "/manifold.png?n=8",
    "/latent-map.png",
    f"/models/{PLAIN}/latents",
)


def catalogue_cases() -> Iterator[Case]:
    """Return all but those that need a tag; see `conditional_cases`."""
    yield Case("GET /health/live", "/health/live", check=_check_json("live"), weight=4)
    # Of several workers, it says how many serve.
    yield Case("GET /health/ready", "/health/ready", kind="loose", check=_check_json("ready"), weight=4)
    yield Case("GET /metrics", "/metrics", kind="loose", weight=0.1)
    yield Case("GET /models", "/models", check=_check_models)
    yield Case("GET /openapi.json", "/openapi.json", weight=0.05)
    for name in (PLAIN, WIDE, LABELLED):
        yield Case(f"GET /models/{name}", f"/models/{name}", weight=0.5)
        yield Case(f"GET /models/{name}/card", f"/models/{name}/card", check=_check_card(name), weight=0.5)
        for array in ("z_mean", "label"):
            target = f"/models/{name}/latents?format=npy&array={array}"
            yield Case(f"GET {target}", target, check=_check_atlas(name, array), weight=0.1)
    yield Case("GET latents", f"/models/{PLAIN}/latents", weight=0.05)
    for extension in ("png", "webp", "json"):
        yield Case(
            f"GET /latent-map.{extension}",
            f"/latent-map.{extension}?size=300",
            check=_check_map(extension),
            weight=0.05,
        )


def conditional_cases(answers: Mapping[str, Answer]) -> Iterator[Case]:
    """Return the cases of clients that have an answer already, and of those who want its head alone.

    Args:
        answers: To a GET of each of `CACHED`, by target.
    """
    for target, answer in answers.items():
        tag = answer.headers["etag"]
        yield Case(f"HEAD {target}", target, "HEAD", check=_check_same(answer))
        for form in (tag, f'"other", {tag}', f"W/{tag}", "*"):
            headers = {"if-none-match": form}
            check = _check_tag(tag)
            yield Case(f"304 {target} {form[:9]}", target, headers=headers, check=check, status=304, weight=2)
        yield Case(
            f"GET {target}, another tag", target, headers={"if-none-match": '"other"'}, check=_check_tag(tag)
        )


def _check_same(whole: Answer) -> Check:
    def check(answer: Answer) -> None:
        if (found := keep(answer.headers, "bytes")) != (expected := keep(whole.headers, "bytes")):
            raise ValueError(f"headers: expected those of GET, {expected}, received {found}")

    return check


def _check_tag(tag: str) -> Check:
    def check(answer: Answer) -> None:
        if answer.headers.get("etag") != tag:
            raise ValueError(f"ETag: expected {tag}, received {answer.headers.get('etag')}")

    return check


def _check_json(status: str) -> Check:
    def check(answer: Answer) -> None:
        if json.loads(answer.body)["status"] != status:
            raise ValueError(f"expected status {status}, received {answer.body!r}")

    return check


def _check_models(answer: Answer) -> None:
    found = {model["reference"] for model in json.loads(answer.body)["models"]}
    expected = {find_truth(name).reference for name in (PLAIN, WIDE, LABELLED)}
    if found != expected:
        raise ValueError(f"models: expected {sorted(expected)}, received {sorted(found)}")


def _check_card(name: str) -> Check:
    def check(answer: Answer) -> None:
        if answer.body.decode() != find_truth(name).bundle.card:
            raise ValueError("card: expected the bundle's README.md, received another text")

    return check


def _check_atlas(name: str, array: str) -> Check:
    def check(answer: Answer) -> None:
        near(read_npy(answer.body), find_truth(name).bundle.atlas[array], 0, array)

    return check


def _check_map(extension: str) -> Check:
    def check(answer: Answer) -> None:
        if extension == "json":
            points = json.loads(answer.body)["points"]
            near(points, find_truth(PLAIN).bundle.atlas["z_mean"], 1e-5, "points")
        # Beside the map there is room for its legend.
        elif (shape := read_png(answer.body).shape)[0] != 300 or shape[1] < 300:
            raise ValueError(f"map: expected 300 pixels a side, received {shape}")

    return check
