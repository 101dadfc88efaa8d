"""Owns the cases of what draws vectors and samples: /decode, /sample and /digits, in every format."""

from __future__ import annotations

import functools
import io
import urllib.parse
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.reliability.cases.case import NPY, Case, Check, count_off, post_json, weigh
from tests.reliability.pictures import check_pictures
from tests.reliability.truth import Floats, find_truth
from tests.reliability.wire import Answer

PLAIN, WIDE, LABELLED = "mnist-2d", "mnist-16d", "mnist-16d-conditional"
# Around the service's batches (256), parts of a stream (64), and the most that a request may have.
SIZES = (1, 2, 7, 63, 64, 65, 128, 200, 255, 256, 257, 400, 512, 700, 768, 1000, 1024)
FEW = (1, 65, 257, 512, 1024)
STILL = ("png", "webp", "json", "npy", "zip")


def check_rows(
    model: str, rows: Floats, extension: str, look: dict[str, int] | None = None, *, moves: bool = False
) -> Check:
    """Return the check that an answer is the pictures of rows."""

    @functools.cache
    def draw() -> Floats:
        return find_truth(model).decode(rows)

    def check(answer: Answer) -> None:
        expected = find_truth(model).reference
        if answer.headers.get("cvae-model") != expected:
            raise ValueError(f"CVAE-Model: expected {expected}, received {answer.headers.get('cvae-model')}")
        check_pictures(extension, answer.body, draw(), look or {}, moves=moves)

    return check


def draw_cases() -> Iterator[Case]:
    """Return all of them."""
    yield from _decodes()
    yield from _decode_urls()
    yield from _samples()
    yield from _digits()


def write_url(path: str, **query: Any) -> str:
    return f"{path}?{urllib.parse.urlencode(query, doseq=True, safe=',:')}"


def _vectors(n: int, seed: int, dim: int = 2) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.random.RandomState(seed).standard_normal((n, dim)).round(4)


def _decodes() -> Iterator[Case]:
    space = find_truth(PLAIN).space
    yield Case(
        "POST /decode, one vector",
        "/decode",
        "POST",
        b'{"z":[0.5,-1.0]}',
        {"content-type": "application/json"},
        check_rows(PLAIN, space.place(np.array([[0.5, -1.0]])), "png"),
        weight=40,
    )
    for n, seed in count_off(SIZES):
        z = _vectors(n, seed)
        check = functools.partial(check_rows, PLAIN, space.place(z))
        body, weight = {"z": z.tolist()}, weigh(n)
        yield post_json(
            f"POST /decode npy uint8 {n}",
            "/decode?format=npy&dtype=uint8",
            body,
            check=check("npy"),
            weight=weight,
        )
        yield post_json(
            f"POST /decode png {n}", "/decode?format=png", body, check=check("png"), weight=weight
        )
        file = io.BytesIO()
        np.save(file, z.astype(np.float32))
        yield Case(
            f"POST /decode npy to npy {n}",
            "/decode?format=npy",
            "POST",
            file.getvalue(),
            {"content-type": NPY},
            check_rows(PLAIN, space.place(z.astype(np.float32).astype(np.float64)), "npy"),
            weight=weight,
        )
    for n, seed in count_off(FEW):
        z = _vectors(n, seed)
        check = functools.partial(check_rows, PLAIN, space.place(z))
        for extension in ("json", "zip", *(("webp",) if n <= 257 else ())):
            target = f"/decode?format={extension}&dtype=uint8"
            yield post_json(
                f"POST /decode {extension} {n}",
                target,
                {"z": z.tolist()},
                check=check(extension),
                weight=weigh(n) / 4,
            )
    yield from _decodes_of_others()


def _decodes_of_others() -> Iterator[Case]:
    for n, seed in count_off((1, 64, 300)):
        z = _vectors(n, seed, 16)
        rows = find_truth(WIDE).space.place(z)
        body = {"z": z.tolist(), "model": WIDE}
        yield post_json(
            f"POST /decode {WIDE} {n}",
            "/decode?format=npy",
            body,
            check=check_rows(WIDE, rows, "npy"),
            weight=weigh(n),
        )
        labels = (np.arange(n) % 10).tolist()
        rows = find_truth(LABELLED).space.place(z, labels)
        body = {"z": z.tolist(), "model": LABELLED, "label": labels}
        yield post_json(
            f"POST /decode {LABELLED} {n}",
            "/decode?format=json",
            body,
            check=check_rows(LABELLED, rows, "json"),
            weight=weigh(n),
        )


def _decode_urls() -> Iterator[Case]:
    space, pinned = find_truth(PLAIN).space, find_truth(PLAIN).reference
    one = space.place(np.array([[0.5, -1.0]]))
    for extension in STILL:
        for query in ("", "&scale=4", f"&model={pinned}", "&download=1"):
            look = {"scale": 4} if "scale" in query else {}
            target = f"/decode.{extension}?z=0.5,-1.0{query}"
            yield Case(f"GET {target}", target, check=check_rows(PLAIN, one, extension, look), weight=4)
    for n, seed in count_off((2, 7, 64, 300)):
        z = _vectors(n, seed)
        texts = [",".join(map(repr, row)) for row in z.tolist()]
        look = {"columns": 3, "padding": 2, "scale": 2}
        target = write_url("/decode.png", z=texts, **look)
        yield Case(
            f"GET /decode.png of {n}",
            target,
            check=check_rows(PLAIN, space.place(z), "png", look),
            weight=weigh(n),
        )
    for query in ("colormap=viridis", "invert=1", "scale=3&resample=smooth"):
        yield Case(f"GET /decode.png {query}", f"/decode.png?z=0.1,0.2&{query}")


def _samples() -> Iterator[Case]:
    space = find_truth(PLAIN).space
    for n, seed in count_off(SIZES):
        rows = space.sample(seed, 1.0, n)
        for extension in STILL if n in FEW else ("npy", "png"):
            if extension == "webp" and n > 257:
                continue
            target = write_url(f"/sample.{extension}", n=n, seed=seed, dtype="uint8")
            yield Case(
                f"GET /sample.{extension} {n}",
                target,
                check=check_rows(PLAIN, rows, extension),
                weight=weigh(n),
            )
    for model in (WIDE, LABELLED):
        rows = find_truth(model).space.sample(5, 0.8, 40)
        body = {"n": 40, "seed": 5, "temperature": 0.8, "model": model}
        yield post_json(
            f"POST /sample {model}", "/sample?format=npy", body, check=check_rows(model, rows, "npy")
        )
        rows = find_truth(model).space.draw(7, 3, 1.0, 300)
        body = {"n": 300, "seed": 3, "digit": 7, "model": model}
        yield post_json(
            f"POST /sample of 7 {model}",
            "/sample?format=json&dtype=uint8",
            body,
            check=check_rows(model, rows, "json"),
            weight=0.1,
        )
    yield Case("GET /sample.npy, no seed", "/sample.npy?n=3", check=_check_three, kind="loose")


def _check_three(answer: Answer) -> None:
    found = np.load(io.BytesIO(answer.body), allow_pickle=False)
    if found.shape != (3, 28, 28):
        raise ValueError(f"expected 3 pictures, received shape {found.shape}")


def _digits() -> Iterator[Case]:
    for digit in range(10):
        rows = find_truth(PLAIN).space.draw(digit, 3, 1.0)
        yield Case(
            f"GET /digits/{digit}", f"/digits/{digit}?seed=3", check=check_rows(PLAIN, rows, "png"), weight=4
        )
        for extension in STILL:
            target = f"/digits/{digit}.{extension}?seed=3"
            yield Case(
                f"GET /digits/{digit}.{extension}", target, check=check_rows(PLAIN, rows, extension), weight=1
            )
    rows = find_truth(LABELLED).space.draw(7, 3, 0.5)
    target = f"/digits/7?seed=3&temperature=0.5&model={LABELLED}"
    headers = {"accept": "image/webp"}
    yield Case("GET /digits/7 as WebP", target, headers=headers, check=check_rows(LABELLED, rows, "webp"))
