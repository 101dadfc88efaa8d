"""The kinds of requests that are measured, and what each is to reach."""

from __future__ import annotations

import dataclasses

from benchmarks.suites.kinds.checking import (
    SIDE,
    Check,
    floats,
    nothing,
    pictures,
    posterior,
    says,
    shape,
    sheet,
)
from benchmarks.suites.kinds.making import (
    INFER,
    JSON,
    OCTETS,
    Make,
    draw,
    get,
    infer_binary,
    name_tensor,
    post,
    upload,
)

# More than the service keeps parsed (256 heads, 1,024 queries): none is seen twice before it is forgotten.
COUNT, UPLOADS = 2048, 512
NO_CACHE = (("CVAE_CACHE_BYTES", "0"),)
ORIGIN = "https://front.example"


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of requests.

    Attributes:
        name: In the table, and on the command line.
        goal: Requests a second, so many times those of an empty endpoint.
        make: Makes the request of a number.
        check: Raises `AnswerError` if an answer is not that of the request of a number.
        media_type: Of the answers.
        count: Of different requests.
        varies: Whether the pixels of an answer differ each time.
        held: Whether the client has the answer already, and says so.
        variables: Of the service's environment.
    """

    name: str
    goal: str
    make: Make
    check: Check
    media_type: str = "image/png"
    count: int = COUNT
    varies: bool = False
    held: bool = False
    variables: tuple[tuple[str, str], ...] = NO_CACHE


KINDS = (
    Kind("POST /decode", "as before", post("/decode", lambda i: {"z": draw(i)[0]}), pictures()),
    Kind("POST /decode, [[a,b]]", "≥ 1.1", post("/decode", lambda i: {"z": draw(i)}), pictures()),
    Kind(
        "POST /decode, model",
        "≥ 1.1",
        post("/decode", lambda i: {"z": draw(i)[0], "model": "mnist-2d"}),
        pictures(),
    ),
    Kind(
        "POST /decode, charset",
        "≥ 1.1",
        post("/decode", lambda i: {"z": draw(i)[0]}, f"{JSON}; charset=utf-8"),
        pictures(),
    ),
    Kind("GET /decode.png", "≥ 1.3", get("/decode.png?z={z}"), pictures()),
    Kind("GET /decode.png, model", "≥ 0.8", get("/decode.png?z={z}&model=mnist-2d"), pictures()),
    Kind("GET /decode.png, scale=4", "≥ 0.8", get("/decode.png?z={z}&scale=4"), shape(1, 112, 112)),
    Kind("GET /decode.png, colormap", "≥ 0.8", get("/decode.png?z={z}&colormap=viridis"), shape()),
    Kind("GET /decode.png, invert", "≥ 0.8", get("/decode.png?z={z}&invert=true"), shape()),
    Kind("GET /decode.png, Origin", "≥ 0.8", get("/decode.png?z={z}", Origin=ORIGIN), pictures()),
    Kind(
        "GET /decode.png, Origin, allowed",
        "≥ 0.8",
        get("/decode.png?z={z}", Origin=ORIGIN),
        pictures(),
        variables=(*NO_CACHE, ("CVAE_CORS_ORIGINS", ORIGIN)),
    ),
    Kind("GET /digits/7.png, seed", "≥ 1.1", get("/digits/7.png?seed={seed}"), shape()),
    Kind(
        "GET /digits/7.png, seed, scale=4",
        "≥ 0.8",
        get("/digits/7.png?seed={seed}&scale=4"),
        shape(1, 112, 112),
    ),
    Kind("GET /digits/7.png, mnist-16d", "≥ 0.9", get("/digits/7.png?model=mnist-16d&seed={seed}"), shape()),
    Kind("GET /digits/7.png, no seed", "≥ 0.8", get("/digits/7.png"), shape(), varies=True),
    Kind(
        "POST /decode → JSON",
        "≥ 0.8",
        post("/decode?format=json", lambda i: {"z": draw(i)[0]}),
        pictures(),
        JSON,
    ),
    Kind("POST /decode, 8 → sheet", "≥ 0.5", post("/decode", lambda i: {"z": draw(i, 8)}), sheet(8, 3)),
    Kind(
        "POST /decode, 8 → npy uint8",
        "≥ 0.5",
        post("/decode?format=npy&dtype=uint8", lambda i: {"z": draw(i, 8)}),
        pictures(8),
        "application/x-npy",
    ),
    Kind("GET /sample.png, n=16", "≥ 0.36", get("/sample.png?n=16&seed={seed}"), shape(1, 112, 112)),
    Kind(
        "GET /sample.png, conditional",
        "≥ 0.7",
        get("/sample.png?model=mnist-16d-conditional&n=1&seed={seed}"),
        shape(),
    ),
    Kind(
        "POST /interpolate, 8 steps",
        "≥ 0.45",
        post("/interpolate", lambda i: {"from": {"digit": 3}, "to": {"z": draw(i)[0]}, "steps": 8}),
        shape(1, SIDE, 8 * SIDE),
    ),
    Kind(
        "GET /interpolate.gif, 16 frames",
        "≥ 0.15",
        get("/interpolate.gif?from=digit:3&to={z}&steps=16"),
        shape(16),
        "image/gif",
    ),
    Kind("V2 infer, JSON", "≥ 0.6", post(INFER, lambda i: name_tensor(i, data=draw(i)[0])), pictures(), JSON),
    Kind("V2 infer, binary", "≥ 0.7", infer_binary, floats, OCTETS),
    Kind("POST /encode, 28 × 28", "≥ 0.2", upload("/encode"), posterior, JSON, UPLOADS),
    Kind("POST /encode, 280 × 280", "≥ 0.12", upload("/encode", 10), posterior, JSON, UPLOADS),
    Kind(
        "POST /reconstruct, 28 × 28",
        "≥ 0.18",
        upload("/reconstruct"),
        shape(1, SIDE, 2 * SIDE),
        count=UPLOADS,
    ),
    Kind("GET /health/ready", "≥ 1.5", get("/health/ready"), says("ready"), JSON, 1),
    Kind("GET /health/live", "≥ 1.5", get("/health/live"), says("live"), JSON, 1),
    Kind("GET /decode.png, 304", "", get("/decode.png?z={z}"), pictures(), held=True),
    Kind(
        "GET /decode.png, cached", "≤ 1.3 × the 304's CPU", get("/decode.png?z={z}"), pictures(), variables=()
    ),
)
NOTHING = Kind("POST /empty", "", post("/empty", lambda i: {"z": draw(i)[0]}), nothing, "")
