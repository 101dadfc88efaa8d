"""Owns the requests that once stopped the process, or could: what to send, how often, how long to wait."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import NamedTuple

from tests.reliability.cases.uploads import FORM, write_form
from tests.reliability.payloads import (
    JPEG,
    JSON,
    NPY,
    PNG,
    write_chunks,
    write_large_png,
    write_members,
    write_nested,
    write_npy_header,
    write_numbers,
    write_objects,
    write_request,
    write_scans,
    write_unknown,
)

INFER = "/v2/models/mnist-2d.decoder/infer"
SOON_S, LIMIT_S = 10.0, 90.0


class Bomb(NamedTuple):
    """What to send, on so many connections at once, and in how many seconds each must be refused.

    A few need a while by their nature: half a head is only known to be no more once it has been waited for.
    """

    make: Callable[[], bytes]
    times: int = 1
    within_s: float = SOON_S


def _post(target: str, media_type: str, make: Callable[[], bytes], **headers: str) -> Callable[[], bytes]:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda: write_request(target, make(), media_type, fields)


def _half_body(size: int) -> bytes:
    return write_request("/decode", b'{"z":[' + b"0," * (size // 2), JSON)[:-8]


def _get(target: str, headers: bytes = b"") -> bytes:
    return f"GET {target} HTTP/1.1\r\nhost: a\r\n".encode() + headers + b"\r\n"


def _tensor(data: str, **parameters: object) -> bytes:
    text = json.dumps(parameters)
    tensor = f'{{"name":"z","shape":[1,2],"datatype":"FP32","data":{data}}}'
    return f'{{"parameters":{text},"inputs":[{tensor}]}}'.encode()


BOMBS: dict[str, Bomb] = {
    "v2: 100 KB of empty inputs": Bomb(_post(INFER, JSON, lambda: write_objects(100_000))),
    "v2: 1 MB of empty inputs": Bomb(_post(INFER, JSON, lambda: write_objects(1_000_000)), 4),
    "v2: 1 MB of wrong data": Bomb(_post(INFER, JSON, lambda: _tensor(json.dumps(["a"] * 200_000)))),
    "decode: 1 MB of unknown fields": Bomb(_post("/decode", JSON, lambda: write_unknown(1_000_000)), 4),
    "decode: 1 MB of wrong types": Bomb(_post("/decode", JSON, lambda: write_numbers(1_000_000, row='"a"'))),
    "decode: 1 MB of wrong labels": Bomb(
        _post("/decode", JSON, lambda: write_numbers(10**6, "label", '"a"'))
    ),
    "query: 60 KB of unknown names": Bomb(
        lambda: _get("/decode.png?z=0,0&" + "&".join(f"u{i}={i}" for i in range(6000)))
    ),
    "decode: 15 MB of numbers": Bomb(_post("/decode", JSON, lambda: write_numbers(15_000_000)), 4),
    "encode: 15 MB of numbers": Bomb(_post("/encode", JSON, lambda: write_numbers(15_000_000, "pixels")), 4),
    "v2: 15 MB of numbers": Bomb(_post(INFER, JSON, lambda: _tensor("[" + "0.5," * 3_700_000 + "1]")), 4),
    "JPEG of 5,000 scans": Bomb(_post("/encode", JPEG, write_scans, x_request_timeout_ms="2000"), 2),
    "PNG of a million chunks": Bomb(_post("/encode", PNG, write_chunks), 2),
    "16 PNGs of 9 megapixels, 100 ms": Bomb(
        _post(
            "/encode",
            FORM,
            lambda: write_form([("file", write_large_png())] * 16),
            x_request_timeout_ms="100",
        ),
        4,
    ),
    "gzip of empty members, 2 MB": Bomb(
        _post(INFER, JSON, lambda: write_members(2 * 10**6), content_encoding="gzip")
    ),
    "gzip of empty members, 6 MB": Bomb(
        _post(INFER, JSON, lambda: write_members(6 * 10**6), content_encoding="gzip"), 4
    ),
    "a head of 12 MB of lines": Bomb(lambda: _get("/health/live", b"x-line: 1\r\n" * 1_100_000)),
    "a header of 100 MB": Bomb(lambda: _get("/health/live", b"x-long: " + b"a" * 10**8 + b"\r\n"), 1, 30),
    "a URL of 100 KB": Bomb(lambda: _get("/decode.png?z=0,0&x=" + "a" * 100_000)),
    "half a head": Bomb(lambda: _get("/health/live")[:-6], 4, LIMIT_S),
    "half a body": Bomb(functools.partial(_half_body, 1000), 4, LIMIT_S),
    "silence": Bomb(lambda: b"", 4, LIMIT_S),
    "40 unfinished bodies of 16 MB": Bomb(functools.partial(_half_body, 16 * 10**6), 40, LIMIT_S),
    "npy of shape (-1, -2)": Bomb(_post("/decode", NPY, lambda: write_npy_header("(-1, -2)"))),
    "npy of shape (True, 2)": Bomb(_post("/decode", NPY, lambda: write_npy_header("(True, 2)"))),
    "npy, a number of 5,000 digits": Bomb(
        _post("/decode", NPY, lambda: write_npy_header(f"(0x{'f' * 5000}, 2)"))
    ),
    "JSON nested 1,000 deep": Bomb(_post("/decode", JSON, lambda: write_nested(1000))),
    "JSON nested 100,000 deep": Bomb(_post("/decode", JSON, lambda: write_nested(100_000))),
    "v2: NaN, and 4,300 digits": Bomb(_post(INFER, JSON, lambda: _tensor("[NaN," + "1" * 4300 + "]"))),
    "v2: a timeout of 1e400": Bomb(
        _post(INFER, JSON, lambda: _tensor("[0,0]").replace(b"{}", b'{"timeout":1e400}'))
    ),
    "no Host": Bomb(lambda: b"GET /health/live HTTP/1.1\r\n\r\n"),
    "two Hosts": Bomb(lambda: _get("/health/live", b"host: b\r\n")),
}
