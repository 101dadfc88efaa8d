"""Makes requests that no honest client sends: values at and beyond the edge of every type, broken bytes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

BIG, HUGE = "9" * 4299, "9" * 5000  # one digit less than Python reads, and more
NUMBERS = (
    "0",
    "1",
    "-1",
    "3.0",
    "0.5",
    "-0.0",
    "1e300",
    "1e400",
    "-1e400",
    "NaN",
    "-Infinity",
    BIG,
    "-" + BIG,
)
EDGES = (HUGE, "18446744073709551615", "18446744073709551616", "-9223372036854775809", "true", "null")
TEXTS = ('""', '"\\ud800"', '"\\u0000"', '"fake"', '"fake@"', '"FP32"', '"lerp"', f'"{"x" * 5000}"')
LISTS = (
    "[]",
    "[[]]",
    "{}",
    "[0,0]",
    "[[1,2]]",
    '[1,"2"]',
    f"[{BIG},0]",
    f"[{HUGE},0]",
    "[NaN,0]",
    '["\\ud800"]',
)
DEEP = ("[" * 1000 + "]" * 1000, '{"a":' * 990 + "1" + "}" * 990)
VALUES = (*NUMBERS, *EDGES, *TEXTS, *LISTS, *DEEP)
END = {"z": "[0,0]", "digit": "3", "pixels": "[[0]]", "label": "1"}
INFER = "/v2/models/fake.decoder/infer"
BODIES = {
    "/decode": ("z", "label", "model", "x\\ud800"),
    "/encode": ("pixels", "seed", "model"),
    "/reconstruct": ("pixels", "label", "model"),
    "/restyle": ("pixels", "labels", "model"),
    "/sample": ("n", "seed", "temperature", "digit", "model"),
    "/interpolate": ("from", "to", "steps", "method", "model"),
    "/v2/repository/index": ("ready",),
    INFER: ("inputs", "outputs", "id", "parameters"),
}
PATHS = (
    "/decode.png",
    "/decode.json",
    "/sample.png",
    "/sample.json",
    "/interpolate.gif",
    "/manifold.png",
    "/latent-map.png",
    "/digits/3.png",
    f"/digits/{BIG}",
    f"/digits/{HUGE}.png",
    "/digits/\0",
    "/models/\xff",
    "/models/fake/latents",
    f"/v2/models/fake.decoder/versions/{BIG}",
    "/v2/models/\xff/ready",
    "/nothing\xff",
    f"/models/{'x' * 5000}",
    "//",
)
NAMES = (
    "z",
    "label",
    "model",
    "n",
    "seed",
    "temperature",
    "digit",
    "scale",
    "columns",
    "format",
    "dtype",
    "from",
)
MORE_NAMES = (
    "to",
    "steps",
    "dims",
    "extent",
    "size",
    "array",
    "duration_ms",
    "from_label",
    "x",
    "%ff",
    "\xff",
    "",
)
GOOD = ("1", "2", "0,0", "0,1", "digit:3", "json", "fake")
BAD = (
    BIG,
    HUGE,
    "1e400",
    "nan",
    "%00",
    "%ff",
    "%ed%a0%80",
    "\xff",
    "1_0",
    "",
    "fake@x",
    "x" * 3000,
    "0,1%0a",
    "%zz",
)
HEADERS = {
    "accept": ("*/*;q=nan", "image/*;q=1e999", ";;,,;q=", "\xff\x80", "x" * 9000),
    "x-request-timeout-ms": (HUGE, "-1", "0", "\xff", "1.5"),
    "if-none-match": ('W/"', ",,", "\xff"),
    "host": ("[", "a b", "x:99999999", "\xff", ""),
    "inference-header-content-length": (HUGE, "9" * 17, "-1", "\xb2", "0", "5"),
    "content-length": (HUGE, "9" * 19, "-1", "x"),
    "content-encoding": ("gzip", "br", "\xff"),
}
SHAPES = (
    "(-1, -2)",
    "(True, 2)",
    f"(0x{'f' * 5000}, 2)",
    "(2,)",
    "()",
    "(1,-2)",
    "(2.0,)",
    "((1,2),)",
    "(1e400,)",
)
MORE_SHAPES = (
    "(0,2)",
    "(1,2,3)",
    "None",
    f"({BIG},)",
    f"(1,{HUGE})",
    "(False,)",
    "(" * 300 + ")" * 300,
    "(1, 2)",
)
DTYPES = ("'<f8'", "'>f4'", "'<f16'", "'|O'", "[('a','<f8')]", "'<c16'", "'?'", "'(2,)<f8'", "None", "'|u1'")


class Hostile(NamedTuple):
    """A request; the target as bytes, since not all of it is text."""

    method: str
    target: bytes
    content: bytes
    headers: dict[str, str]


def make_request(rng: random.Random) -> Hostile:
    """Gives the next request of a generator."""
    kind = rng.random()
    if kind < 0.4:
        path = rng.choice(list(BODIES))
        content = _make_json(rng, path).encode()
        if rng.random() < 0.2:
            content = _damage(rng, content)
        request = Hostile("POST", path.encode(), content, {"content-type": "application/json"})
    elif kind < 0.6:
        headers = {"content-type": "application/x-npy"}
        request = Hostile("POST", b"/decode", _make_npy(rng), headers)
    else:
        method = rng.choice(("GET", "GET", "GET", "HEAD", "POST"))
        request = Hostile(method, _make_target(rng), b"", {})
    for name in rng.sample(list(HEADERS), rng.choice((0, 0, 0, 1, 2))):
        request.headers[name] = rng.choice(HEADERS[name])
    return request


def _make_json(rng: random.Random, path: str) -> str:
    good = {
        **END,
        "model": '"fake"',
        "from": _make_object(rng, END, END),
        "to": '{"digit":3}',
        "inputs": f"[{','.join(_make_tensor(rng) for _ in range(rng.choice((0, 1, 1, 2))))}]",
        "outputs": f'[{{"name":"image","parameters":{{"binary_data":{rng.choice(VALUES)}}}}}]',
        "parameters": f'{{"timeout":{rng.choice(("9" * 400, "1e400", "NaN", *VALUES))}}}',
    }
    return _make_object(rng, BODIES[path], good)


def _make_tensor(rng: random.Random) -> str:
    parameters = f'{{"binary_data_size":{rng.choice(VALUES)}}}'
    shape = rng.choice(("[1,2]", f"[1,{BIG}]", f"[{HUGE}]", "[1e300,2]", f"[{','.join(['1e300'] * 8)}]"))
    good = {"name": '"z"', "datatype": '"FP32"', "shape": shape, "data": "[0,0]", "parameters": parameters}
    return _make_object(rng, [name for name in good if name != "parameters" or rng.random() < 0.5], good)


def _make_object(rng: random.Random, names: Sequence[str] | dict[str, str], good: dict[str, str]) -> str:
    fields = [
        (name, good[name] if name in good and rng.random() < 0.7 else rng.choice(VALUES))
        for name in names
        if rng.random() < 0.85
    ]
    return "{" + ",".join(f'"{name}":{value}' for name, value in fields) + "}"


def _make_npy(rng: random.Random) -> bytes:
    shape, order = rng.choice(SHAPES + MORE_SHAPES), rng.choice(("True", "False", "1"))
    header = f"{{'descr': {rng.choice(DTYPES)}, 'fortran_order': {order}, 'shape': {shape}, }}\n".encode()
    version = rng.choice((1, 1, 2, 3))
    length = len(header).to_bytes(2 if version == 1 else 4, "little")
    data = rng.choice((b"", bytes(16), b"\xff" * 16, bytes(2), bytes(32)))
    content = b"\x93NUMPY" + bytes((version, 0)) + length + header + data
    return _damage(rng, content) if rng.random() < 0.2 else content


def _make_target(rng: random.Random) -> bytes:
    pairs = []
    for _ in range(rng.randrange(5)):
        name = rng.choice(NAMES + MORE_NAMES)
        pairs.append(f"{name}={rng.choice(GOOD + BAD)}")
        if rng.random() < 0.5:  # of two, the last counts
            pairs.append(f"{name}={rng.choice(GOOD)}")
    return f"{rng.choice(PATHS)}?{'&'.join(pairs)}".encode("latin-1")


def _damage(rng: random.Random, content: bytes) -> bytes:
    place = rng.randrange(len(content) + 1)
    inserted = rng.choice(
        (b"[", b"]", b'"', b",", b"\xff", b"\0", b"1e999", b"\xef\xbb\xbf", bytes([rng.randrange(256)]))
    )
    return content[:place] + inserted + content[place + rng.randrange(4) :]
