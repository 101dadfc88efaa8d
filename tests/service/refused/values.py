"""For each parameter and field of each route of ours, what it cannot be."""

from __future__ import annotations

from typing import Any

INTEGER = ("x", "1.5", "1e3", "0x1", "9" * 30, "NaN", "-", "1,2", "%00", "%D9%A3", "true", "1;2")
POSITIVE = (*INTEGER, "0", "-1")
NUMBER = ("x", "nan", "inf", "-inf", "1e999", "1,2", "0x1", "%00", "--1", "1..2")
VECTOR = (
    "x",
    "1",
    "1,2,3",
    "nan,0",
    "0,inf",
    "1e999,0",
    ",",
    "0,",
    "1_0,0",
    "0x1,0",
    "1e5,0",
    "0;0,0",
    "[0,0]",
    "0,0%00",
)
WORD = ("x", "%00", "%ff", "Png", "../etc", "a" * 3000, "1;2")
MODEL = ("nothing", "fake@", "fake@x", "@", "../fake", "%00", "fake/", "FAKE", "a" * 300)
END = ("x", "digit:", "digit:x", "digit3", "1", "1,2,3", "nan,0", "digit:3:4", "z:0,0", ":", "%00")

# Route, its query that is right, and what each parameter cannot be.
QUERIES: tuple[tuple[str, str, dict[str, tuple[str, ...]]], ...] = (
    (
        "/decode.png",
        "z=0,0",
        {"z": VECTOR, "scale": POSITIVE, "model": MODEL, "colormap": WORD, "resample": WORD},
    ),
    ("/decode.json", "z=0,0", {"z": VECTOR, "model": MODEL}),
    ("/decode.npy", "z=0,0", {"z": VECTOR, "dtype": WORD}),
    (
        "/sample.png",
        "n=2&seed=1",
        {"n": POSITIVE, "seed": INTEGER, "temperature": NUMBER, "columns": POSITIVE},
    ),
    ("/sample.json", "n=2&seed=1", {"n": POSITIVE, "seed": INTEGER, "digit": WORD, "model": MODEL}),
    ("/digits/3.png", "seed=1", {"seed": INTEGER, "temperature": NUMBER, "scale": POSITIVE, "model": MODEL}),
    (
        "/interpolate.gif",
        "from=0,0&to=1,1&steps=3",
        {"from": END, "to": END, "steps": (*POSITIVE, "1"), "method": WORD, "duration_ms": POSITIVE},
    ),
    (
        "/manifold.png",
        "n=3",
        {"n": POSITIVE, "extent": (*NUMBER, "0", "-1"), "dims": ("x", "0", "0,9", "-1,0", "a,b")},
    ),
    ("/latent-map.png", "size=64", {"size": POSITIVE, "model": MODEL}),
)
JSON = "application/json"
PIXELS = [[0.0] * 28] * 28
VALUES: tuple[Any, ...] = (
    None,
    True,
    "x",
    {},
    {"a": 1},
    [[]],
    [None],
    ["0", "0"],
    [[0, 0], [0]],
    [True, 0],
    10**30,
)
SCALARS: tuple[Any, ...] = (True, "x", {}, [], [1], 1.5, -1, 10**30, "1")
# Route, a body that is right, and what each field cannot be.
BODIES: tuple[tuple[str, dict[str, Any], dict[str, tuple[Any, ...]]], ...] = (
    (
        "/decode",
        {"z": [0, 0]},
        {"z": (*VALUES, [], [0], [0, 0, 0], [1e5, 0]), "model": (True, 1, {}, [], "x")},
    ),
    (
        "/encode",
        {"pixels": PIXELS},
        {"pixels": (*VALUES, [], [0], [[2.0] * 28] * 28), "seed": SCALARS, "model": (1, [], "x")},
    ),
    (
        "/reconstruct",
        {"pixels": PIXELS},
        {"pixels": (*VALUES, [], [[-1.0] * 28] * 28), "model": (1, [], "x")},
    ),
    (
        "/restyle",
        {"pixels": PIXELS, "labels": "1"},
        {"pixels": VALUES, "labels": SCALARS, "model": (1, [], "x")},
    ),
    (
        "/sample",
        {"n": 2, "seed": 1},
        {
            "n": (*SCALARS, 0, 10**6),
            "seed": SCALARS,
            "temperature": (True, "x", [], -1, 1e9),
            "digit": ({}, [], -1, "x"),
        },
    ),
    (
        "/interpolate",
        {"from": {"z": [0, 0]}, "to": {"z": [1, 1]}, "steps": 3},
        {
            "from": (*VALUES, {"z": [0]}, {"digit": -1}, {"z": [0, 0], "digit": 1}),
            "to": (*VALUES, {"z": []}, {"digit": "x"}),
            "steps": (*SCALARS, 0, 1, 10**6),
            "method": (1, [], "x"),
        },
    ),
)
