"""Owns the cases of what takes pictures: /encode, /reconstruct, /restyle, a path between files."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from PIL import Image

from tests.reliability.cases.case import Case, Check, post_json, weigh
from tests.reliability.cases.drawing import LABELLED, PLAIN, WIDE, check_rows
from tests.reliability.pictures import TOLERANCE, check_pictures
from tests.reliability.truth import Floats, Levels, find_truth, near, to_levels
from tests.reliability.wire import Answer

BOUNDARY = "a-boundary-that-no-picture-holds"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
AS_IS = "polarity=light-on-dark"


def upload_cases() -> Iterator[Case]:
    """Return all of them."""
    yield from _encodes()
    yield from _reconstructions()
    yield from _restyled()
    yield from _between_files()


def draw_strokes(n: int, seed: int) -> Levels:
    """Return `(n, 28, 28)` pictures that look a little like ink, smooth enough for JPEG.

    They are black at the border and their mass is in the middle, so that files of them keep their pixels.
    """
    noise = np.random.RandomState(seed).standard_normal((n, 7, 7))
    rough = np.clip((noise + noise[:, ::-1, ::-1]) * 64 + 60, 0, 255).astype(np.uint8)
    rough[:, [0, -1]] = rough[:, :, [0, -1]] = 0
    pictures = [Image.fromarray(each).resize((28, 28), Image.Resampling.BILINEAR) for each in rough]
    return np.stack([np.asarray(picture) for picture in pictures])


def write_file(levels: Levels, kind: str) -> bytes:
    """Return a picture as a PNG or JPEG file."""
    file = io.BytesIO()
    Image.fromarray(levels).save(file, kind)
    return file.getvalue()


def write_form(fields: Sequence[tuple[str, str | bytes]]) -> bytes:
    """Return fields as a form; bytes are files."""
    parts = []
    for name, value in fields:
        is_file = isinstance(value, bytes)
        end = '; filename="a.png"\r\ncontent-type: image/png' if is_file else ""
        content = value if isinstance(value, bytes) else value.encode()
        head = f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="{name}"{end}\r\n\r\n'
        parts.append(head.encode() + content + b"\r\n")
    return b"".join((*parts, f"--{BOUNDARY}--\r\n".encode()))


def _to_x(levels: Levels) -> Floats:
    return levels.astype(np.float32) / np.float32(255)


def check_posterior(model: str, x: Floats, neighbours: int = 5, seed: int | None = None) -> Check:
    """Return the check that an answer is the posterior of pictures, and names who lies nearest."""

    def check(answer: Answer) -> None:
        fields = json.loads(answer.body)
        truth = find_truth(model)
        z_mean, z_log_var = truth.encode(x)
        near(fields["z_mean"], z_mean, TOLERANCE, "z_mean")
        near(fields["z_log_var"], z_log_var, TOLERANCE, "z_log_var")
        found = [[each["distance"] for each in row] for row in fields.get("neighbours", [])]
        if neighbours:
            near(found, truth.rank(z_mean, neighbours), 1e-3, "neighbours")
        if seed is not None:
            epsilon = np.random.RandomState(seed).standard_normal(z_mean.shape)
            near(fields["z"], z_mean + np.exp(z_log_var / 2) * epsilon, 1e-3, "z")

    return check


def _encodes() -> Iterator[Case]:
    for n in (1, 7, 64, 65):
        levels = draw_strokes(n, n)
        pixels = (levels / 255).round(4)
        check = check_posterior(PLAIN, pixels.astype(np.float32), 1)
        weight = weigh(n) / 4
        yield post_json(
            f"POST /encode pixels {n}",
            "/encode?neighbours=1",
            {"pixels": pixels.tolist()},
            check=check,
            weight=weight,
        )
    levels = draw_strokes(9, 9)
    for model in (PLAIN, WIDE, LABELLED):
        for seed in (None, 4):
            extra = "" if seed is None else f"&seed={seed}"
            check = check_posterior(model, _to_x(levels[:1]), 5, seed)
            yield _file(
                f"POST /encode png {model}{extra}", f"/encode?{AS_IS}&model={model}{extra}", levels[0], check
            )
    jpeg = write_file(levels[1], "JPEG")
    with Image.open(io.BytesIO(jpeg)) as image:
        decoded = np.asarray(image.convert("L"))
    check = check_posterior(PLAIN, _to_x(decoded[np.newaxis]))
    yield Case("POST /encode jpeg", f"/encode?{AS_IS}", "POST", jpeg, {"content-type": "image/jpeg"}, check)
    for n in (2, 9, 64, 257, 512, 1024):
        some = draw_strokes(n, n)
        check = check_posterior(PLAIN, _to_x(some), 1)
        target = f"/encode?{AS_IS}&neighbours=1"
        yield _form(f"POST /encode form {n}", target, _files(some), check, weigh(n) / 8)
    # What is larger than the model's pictures is cut and centred by the service, which has its own tests.
    large = np.asarray(Image.fromarray(levels[0]).resize((300, 200)))
    yield _file("POST /encode, a large png", "/encode", large, lambda _: None)


def _files(levels: Levels) -> list[tuple[str, str | bytes]]:
    return [("file", write_file(each, "PNG")) for each in levels]


def _file(name: str, target: str, levels: Levels, check: Check, weight: float = 1.0) -> Case:
    return Case(
        name, target, "POST", write_file(levels, "PNG"), {"content-type": "image/png"}, check, weight=weight
    )


def _form(
    name: str, target: str, fields: Sequence[tuple[str, str | bytes]], check: Check, weight: float = 0.5
) -> Case:
    return Case(name, target, "POST", write_form(fields), {"content-type": FORM}, check, weight=weight)


def check_reconstruction(model: str, x: Floats, extension: str, label: Any = None) -> Check:
    """Return the check that an answer is what the model makes of pictures, beside them where it is drawn."""

    def check(answer: Answer) -> None:
        truth = find_truth(model)
        z_mean, _ = truth.encode(x)
        made = truth.decode(truth.space.place(z_mean.astype(np.float64), label))
        if extension == "json":
            fields = json.loads(answer.body)
            near(
                fields["mean_squared_error"], ((x - made) ** 2).mean(axis=(1, 2)), 1e-4, "mean_squared_error"
            )
            near(fields["x"], x, TOLERANCE, "x")
        pairs = extension not in ("json", "npy")
        shown = np.stack([x, made], axis=1).reshape(-1, *x.shape[1:]) if pairs else made
        look = {"columns": 2} if extension in ("png", "webp") else {}
        check_pictures(extension, answer.body, shown, look, moves=False)

    return check


def _reconstructions() -> Iterator[Case]:
    for n in (1, 2, 64, 65):
        levels = draw_strokes(n, n + 1)
        pixels = (levels / 255).round(4)
        x = pixels.astype(np.float32)
        for extension in ("png", "npy", *(("json", "zip", "webp") if n <= 65 else ())):
            check = check_reconstruction(PLAIN, x, extension)
            weight = weigh(n) / 8
            yield post_json(
                f"POST /reconstruct {extension} {n}",
                f"/reconstruct?format={extension}",
                {"pixels": pixels.tolist()},
                check=check,
                weight=weight,
            )
    for n in (3, 300, 512):
        levels = draw_strokes(n, n)
        check = check_reconstruction(PLAIN, _to_x(levels), "npy")
        target = f"/reconstruct?{AS_IS}&format=npy"
        yield _form(f"POST /reconstruct form {n}", target, _files(levels), check, weigh(n) / 8)
    levels = draw_strokes(3, 3)
    check = check_reconstruction(PLAIN, _to_x(levels[:1]), "png")
    yield _file("POST /reconstruct png", f"/reconstruct?{AS_IS}", levels[0], check)
    check = check_reconstruction(LABELLED, _to_x(levels), "json", 4)
    yield _form(
        "POST /reconstruct form",
        f"/reconstruct?{AS_IS}&format=json&model={LABELLED}&label=4",
        _files(levels),
        check,
    )


def _restyled() -> Iterator[Case]:
    truth = find_truth(LABELLED)
    for n, phrase, extension in ((1, "0123456789", "png"), (3, "20251126", "json"), (2, "01" * 40, "zip")):
        levels = draw_strokes(n, n + 7)
        style = truth.encode(_to_x(levels))[0].astype(np.float64).mean(axis=0)
        labels = [int(character) for character in phrase]
        rows = truth.space.place(np.tile(style, (len(labels), 1)), labels)
        look = {"columns": len(labels)} if extension == "png" else {}
        check = check_rows(LABELLED, rows, extension, look)
        target = f"/restyle?{AS_IS}&format={extension}&labels={phrase}"
        yield _form(f"POST /restyle {extension}", target, _files(levels), check)


def _between_files() -> Iterator[Case]:
    levels = draw_strokes(1, 5)
    truth = find_truth(PLAIN)
    read: Callable[[], Floats] = lambda: truth.encode(_to_x(levels))[0][0]  # noqa: E731
    start, end = read(), truth.space.place(np.array([[0.1, -0.4]]))[0]
    t = np.linspace(0, 1, 70)[:, np.newaxis]
    rows = ((1 - t) * start.astype(np.float64) + t * end).astype(np.float32)
    fields: list[tuple[str, str | bytes]] = [
        ("from", write_file(levels[0], "PNG")),
        ("to", "0.1,-0.4"),
        ("steps", "70"),
        ("polarity", "light-on-dark"),
    ]
    for extension in ("npy", "ndjson", "apng", "zip", "gif"):
        check = check_rows(PLAIN, rows, extension, moves=True)
        yield _form(f"POST /interpolate form {extension}", f"/interpolate?format={extension}", fields, check)
    assert to_levels(_to_x(levels)).tolist() == levels.tolist()
