"""What schemathesis is told of this API: files to send, requests that fit models, and what no schema says.

It is imported by schemathesis, as `schemathesis.toml` names it.
"""

from __future__ import annotations

import io
import re
import zlib
from typing import Any

import numpy as np
import schemathesis
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.openapi.checks import RejectedPositiveData, UndefinedContentType

Pixels = NDArray[np.uint8]
MODELS = ("mnist-2d", "mnist-16d", "mnist-16d-conditional")
LATENT_DIMS = {"mnist-2d": 2, "mnist-16d": 16, "mnist-16d-conditional": 16}
SIDE = 28
Z_LIMIT = 1e4
MOST = 32
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")

# Why a request that the schema allows is refused all the same, by what the service says that it expected:
# what depends on the model that answers, on the operator's limits, on two fields, or on what a file holds.
UNSAYABLE = {
    "latent_dim is the model's": r"\d+ numbers? a vector \(latent_dim of .*\)",
    "vectors are of one length": r"\d+ numbers, as the first has|a list of \d+, as the first is",
    "rows are limited by the operator": r"at most \d+ in one request|what makes at most \d+ pictures",
    "pixels are limited by the operator": r"what makes at most \d+ pixels in all|at most \d+ pixels",
    "JSON is limited by the operator": r"at most \d+ (bytes of|values in|lists.* in) JSON.*",
    "sides are limited by the format": r"a scale that makes no side longer than \w+'s \d+ pixels",
    "labels are the model's": r"none: .* takes no label|one of [\d, ]+(, which .* needs)?",
    "labels are as many as vectors": r"one label, or \d+: one a vector",
    "labels on a way are as many as its vectors": r"none, or one for each of \d+ vectors",
    "points are no more than steps": r"at least \d+, one for each point",
    "labels are those of a model that takes some": r"a label-conditioned model \(.*\)",
    "a class has no prior": r"none beside a digit",
    "a mixture is the model's": r"normal: .* has no mixture",
    "a phrase is not of spaces alone": r"at least one label",
    "a digit is a label": r"no label beside a digit, which is one",
    "the size of pictures is the model's": r"28 rows of 28 numbers, or a list of such|one picture",
    "numbers in a text or a file have no range": r"numbers in \[(-10000, 10000|0, 1)\].*|a finite number",
    "dimensions are the model's": r"numbers from 0 to \d+, as .* has",
    "a file is what it is": r"a whole picture file|a PNG, JPEG, .* file|an \.npy file of version 1 or 2",
    "a part may be a text": r"a text in UTF-8, or a file",
    "an array has all its numbers": r"\d+ bytes of data.*",
    "an array is what it is": r"an array of .*",
    "a picture may show nothing": r"a figure that stands out from its background: .*",
}
# The same of tensors, under `/v2`.
UNSAYABLE_OF_TENSORS = {
    "tensors are the graph's": r"\w+, once|\w+ and \w+, each once|FP32, as \w+ has|one of [\w, ]+, each once",
    "shapes are the graph's": r"\[-1(, \d+)*\], with at least one row|as many rows of each",
    "data are as many as their shape says": r"\d+(| numbers), for shape .*|numbers in shape .*",
    "data stand in one place": r"none beside binary_data_size|\d+ bytes behind the JSON",
    "the header says where they begin": r"the length of .*|an integer from 0 to \d+, as the body has",
    "a body may be a row": r"\d+ bytes, one row of \w+",
    "numbers are the graph's": r"a number in \[.*\]",
    "parameters are open": r"true or false|microseconds, an integer above 0|no \w+, which is not offered",
    "bytes are what they are": "JSON|an? (object|number|list).*",
}
REASONS = [re.compile(pattern) for pattern in (*UNSAYABLE.values(), *UNSAYABLE_OF_TENSORS.values())]
PROTOCOL_FAULT = re.compile(r".*?: expected (.*), received .*", re.DOTALL)
# In a form a text is a point, and any bytes may be a file: together they are anything.
FORM_REASONS = [
    *REASONS,
    re.compile("numbers with commas between them.*|a number|digit: and a class's number or name.*"),
]
DEADLINE = "X-Request-Timeout-Ms"
UNKNOWN_HEADER = "x-schemathesis-unknown-property"
GRAPHS = ("mnist-2d.decoder", "mnist-2d.encoder", "mnist-16d-conditional.decoder")
# As long as the service has; what is shorter may be too short.
LONG_MS = 60_000


@schemathesis.hook
def filter_failure(
    context: schemathesis.HookContext,  # noqa: ARG001
    failure: Failure,
    case: schemathesis.Case[Any],
    response: schemathesis.Response,
) -> bool:
    """Keeps each failure, but for refusals that say all of them why no schema could, and deadlines kept."""
    if response.status_code == 504:
        return not _has_short_deadline(case.headers)
    if isinstance(failure, UndefinedContentType) and case.query.get("view") == "input":
        # Told in words: beside it in the schema, the numbers would lose their types in clients.
        return response.headers["content-type"] != ["image/png"]
    if isinstance(failure, AcceptedNegativeData) and UNKNOWN_HEADER in case.headers:
        return False  # HTTP lets a client send headers that nobody knows
    if not isinstance(failure, RejectedPositiveData) or response.status_code not in (400, 413, 422):
        return True
    expected = _read_expectations(response.json())
    reasons = FORM_REASONS if case.media_type == "multipart/form-data" else REASONS
    return not expected or not all(any(reason.fullmatch(text) for reason in reasons) for text in expected)


def _read_expectations(body: dict[str, Any]) -> list[str]:
    if "errors" in body:
        return [fault["expected"] for fault in body["errors"]]
    return PROTOCOL_FAULT.findall(body["error"])


@schemathesis.hook
def map_headers(
    context: schemathesis.HookContext,  # noqa: ARG001
    headers: dict[str, Any] | None,
) -> dict[str, Any] | None:
    """Gives three in four of those who will not wait long a minute more."""
    if headers and _has_short_deadline(headers) and _pick(headers, 4):
        return {**headers, DEADLINE: str(int(headers[DEADLINE]) + LONG_MS)}
    return headers


def _has_short_deadline(headers: Any) -> bool:
    text = str((headers or {}).get(DEADLINE, ""))
    return text.isascii() and text.isdigit() and 0 < int(text) < LONG_MS


@schemathesis.hook
def map_path_parameters(
    context: schemathesis.HookContext,  # noqa: ARG001
    path_parameters: dict[str, Any] | None,
) -> dict[str, Any] | None:
    """Has three in four of those who name a graph name one that there is."""
    if path_parameters and isinstance(path_parameters.get("model"), str) and _pick(path_parameters, 4):
        return {**path_parameters, "model": GRAPHS[_pick(path_parameters["model"], len(GRAPHS))]}
    return path_parameters


@schemathesis.hook
def map_query(
    context: schemathesis.HookContext,  # noqa: ARG001
    query: dict[str, Any] | None,
) -> dict[str, Any] | None:
    """Makes three in four queries fit a model, and leaves what is wrong as it is."""
    return _fit(query) if query and _pick(query, 4) else query


@schemathesis.hook
def map_body(context: schemathesis.HookContext, body: Any) -> Any:  # noqa: ARG001
    """Makes three in four bodies fit a model, and leaves what is wrong as it is."""
    return _fit(body) if isinstance(body, dict) and _pick(body, 4) else body


def _pick(value: object, n: int) -> int:
    return zlib.crc32(repr(value).encode("utf-8", "replace")) % n


def _fit(fields: dict[str, Any]) -> dict[str, Any]:
    fitted = dict(fields)
    if isinstance(fields.get("model"), str):
        fitted["model"] = MODELS[_pick(fields["model"], len(MODELS))]
    dim = LATENT_DIMS[fitted.get("model") or MODELS[0]] if _is_model(fitted) else 2
    for name in ("n", "steps", "columns", "scale"):
        if type(fields.get(name)) is int and fields[name] > MOST:
            fitted[name] = 2 + fields[name] % MOST
    if type(fields.get("digit")) in (int, str):
        fitted["digit"] = _pick(fields["digit"], 10)
    if type(fields.get("labels")) in (str, list):
        fitted["labels"] = str(_pick(fields["labels"], 1000))
    if "z" in fields:
        fitted["z"] = _fit_z(fields["z"], dim)
    for name in ("from", "to"):
        if isinstance(fields.get(name), str):
            fitted[name] = _fit_text(fields[name], dim)
        if isinstance(fields.get(name), dict):
            fitted[name] = _fit({"model": fitted.get("model"), **fields[name]})
            if "model" not in fields[name]:
                del fitted[name]["model"]
    if isinstance(fields.get("inputs"), list) and _pick(fields["inputs"], 2):
        fitted["inputs"] = _make_inputs(_pick(fields, 3))
    if "pixels" in fields:
        fitted["pixels"] = _fit_pixels(fields["pixels"])
    if not str(fitted.get("model")).endswith("conditional") and _is_label(fields.get("label")):
        del fitted["label"]
    return fitted


def _make_inputs(graph: int) -> list[dict[str, Any]]:
    """Tensors of one of the graphs, of two rows; nested if they are small."""
    shapes = ({"z": [2, 2]}, {"x": [2, SIDE, SIDE, 1]}, {"z": [2, 16], "label": [2, 10]})
    return [
        {
            "name": name,
            "shape": shape,
            "datatype": "FP32",
            "data": np.full(shape, 0.5).reshape(2, -1).tolist(),
        }
        for name, shape in shapes[graph].items()
    ]


def _is_model(fields: dict[str, Any]) -> bool:
    return fields.get("model") is None or fields["model"] in MODELS


def _is_label(value: object) -> bool:
    labels = value if isinstance(value, list) and value else [value]
    return all(type(label) is int for label in labels)


def _fit_z(z: Any, dim: int) -> Any:
    rows = z if isinstance(z, list) and z and all(isinstance(row, list) for row in z) else [z]
    if isinstance(z, list) and z and all(isinstance(row, str) for row in z):
        return [_fit_text(row, dim) for row in z[:MOST]]
    if not all(
        isinstance(row, list)
        and row
        and all(type(x) in (int, float) and -Z_LIMIT <= x <= Z_LIMIT for x in row)
        for row in rows
    ):
        return z
    fitted = [(row * dim)[:dim] for row in rows[:MOST]]
    return fitted if rows is z else fitted[0]


def _fit_text(text: str, dim: int) -> str:
    if re.match(" *digit: *[^ ]", text):
        return f"digit:{_pick(text, 10)}"
    parts = [part.strip(" ") for part in text.split(",")]
    if not all(NUMBER.fullmatch(part) and abs(float(part)) <= Z_LIMIT for part in parts):
        return text
    return ",".join((parts * dim)[:dim])


def _fit_pixels(pixels: Any) -> Any:
    try:
        numbers = np.array(pixels, np.float64)
    except (ValueError, TypeError, OverflowError):
        return pixels
    flat = pixels
    while isinstance(flat, list) and flat:
        flat = flat[0]
    if numbers.ndim not in (2, 3, 4) or type(flat) not in (int, float) or _is_odd(pixels):
        return pixels
    return np.resize(numbers, (SIDE, SIDE)).tolist()


def _is_odd(pixels: Any) -> bool:
    """Whether there is anything but numbers in [0, 1] in nested lists."""
    if isinstance(pixels, list):
        return not pixels or any(map(_is_odd, pixels))
    return type(pixels) not in (int, float) or not 0 <= pixels <= 1


@st.composite
def pictures(draw: st.DrawFn, kind: str) -> bytes:
    """A PNG or JPEG of any size and colour up to 64 pixels a side; one in five is damaged."""
    pixels = draw(st.one_of(*[strokes()] * 4, noise()))
    mode = draw(st.sampled_from(["L", "RGB"] if kind == "JPEG" else ["1", "L", "LA", "P", "RGB", "RGBA"]))
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, kind)
    content: bytes = draw(st.one_of(*[st.just(file.getvalue())] * 4, damaged(file.getvalue())))
    return content


@st.composite
def strokes(draw: st.DrawFn) -> Pixels:
    """A stroke, dark on light or light on dark, in which a figure is found."""
    height, width = draw(st.integers(28, 64)), draw(st.integers(28, 64))
    light_on_dark, thickness = draw(st.booleans()), draw(st.integers(3, 5))
    pixels = np.full((height, width, 3), 0 if light_on_dark else 255, np.uint8)
    left = draw(st.integers(8, width - 8 - thickness))
    pixels[height // 4 : -(height // 4), left : left + thickness] = 255 if light_on_dark else 0
    return pixels


@st.composite
def noise(draw: st.DrawFn) -> Pixels:
    """Noise, in which there is no figure."""
    shape = draw(st.integers(1, 64)), draw(st.integers(1, 64)), 3
    return np.random.RandomState(draw(st.integers(0, 2**32 - 1))).randint(0, 256, shape, np.uint8)


@st.composite
def vectors(draw: st.DrawFn) -> bytes:
    """An .npy file of vectors or of pixels; one in five is damaged."""
    shapes = [(2,), (1, 2), (7, 2), (3, 16), (0, 2), (2, 2, 2), (), (28, 28), (3, 28, 28), (1, 28, 28, 1)]
    shape = draw(st.sampled_from(shapes))
    dtype = draw(st.sampled_from(["<f4", "<f8", ">f4", "<i2", "u1", "?", "<U3", "<c8"]))
    file = io.BytesIO()
    np.save(file, np.random.RandomState(0).uniform(0, 3, shape).astype(dtype), allow_pickle=False)
    content: bytes = draw(st.one_of(*[st.just(file.getvalue())] * 4, damaged(file.getvalue())))
    return content


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """A file cut short, with bytes changed, or another altogether."""
    place = draw(st.integers(0, len(content) - 1))
    changed = content[:place] + draw(st.binary(min_size=1, max_size=8)) + content[place + 1 :]
    return draw(st.one_of(st.just(content[:place]), st.just(changed), st.binary(max_size=64)))


schemathesis.openapi.media_type("image/png", pictures("PNG"))
schemathesis.openapi.media_type("image/jpeg", pictures("JPEG"))
schemathesis.openapi.media_type("application/x-npy", vectors())
