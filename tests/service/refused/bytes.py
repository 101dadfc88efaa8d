"""Bodies, files, paths and tensors that are none."""

from __future__ import annotations

from typing import Any

Z = {"name": "z", "shape": [1, 2], "datatype": "FP32", "data": [0, 0]}
INFER = "/v2/models/fake.decoder/infer"
TENSORS: dict[str, tuple[Any, ...]] = {
    "name": (None, 1, "", "x", "Z", [], {}),
    "shape": (
        None,
        1,
        "x",
        [],
        [1],
        [2, 1],
        [1, 3],
        [-1, 2],
        [1, 2, 1],
        [1.5, 2],
        ["1", 2],
        [10**20, 2],
        [0, 2],
        [1] * 9,
    ),
    "datatype": (None, 1, "", "fp32", "FP64", "INT32", "BYTES", "X"),
    "data": (
        None,
        1,
        "x",
        {},
        [],
        [0],
        [0, 0, 0],
        [[0]],
        [None, 0],
        ["0", 0],
        [True, 0],
        [1e9, 0],
        [[0], [0, 0]],
        [{}, 0],
    ),
    "parameters": (
        1,
        "x",
        [],
        {"binary_data_size": -1},
        {"binary_data_size": "x"},
        {"binary_data_size": 8},
        {"binary_data_size": 10**30},
    ),
}
REQUESTS: tuple[dict[str, Any], ...] = (
    {},
    {"inputs": None},
    {"inputs": {}},
    {"inputs": []},
    {"inputs": [None]},
    {"inputs": [[]]},
    {"inputs": [Z, Z]},
    {"inputs": [Z] * 17},
    {"inputs": [Z], "id": 1},
    {"inputs": [Z], "id": "x" * 1025},
    {"inputs": [Z], "parameters": []},
    {"inputs": [Z], "parameters": {"timeout": 0}},
    {"inputs": [Z], "parameters": {"timeout": -1}},
    {"inputs": [Z], "parameters": {"timeout": 1.5}},
    {"inputs": [Z], "parameters": {"timeout": "1"}},
    {"inputs": [Z], "parameters": {"timeout": True}},
    {"inputs": [Z], "outputs": {}},
    {"inputs": [Z], "outputs": [{}]},
    {"inputs": [Z], "outputs": [{"name": "x"}]},
    {"inputs": [Z], "outputs": [{"name": 1}]},
    {"inputs": [Z], "outputs": [{"name": "image"}] * 17},
    {"inputs": [Z], "outputs": [{"name": "image", "parameters": []}]},
)
# Bodies that are no JSON, or none of an object.
BROKEN = (
    b"",
    b"{",
    b'{"z":',
    b"[",
    b"[]",
    b"null",
    b"1",
    b'"x"',
    b"\xff\xfe{}",
    b"{'z':[0,0]}",
    b'{"z":[0,0]}}',
    b"[" * 2000,
    b'{"z":[0,0],}',
    b"\x00",
)
POSTS = ("/decode", "/encode", "/reconstruct", "/restyle", "/sample", "/interpolate")
TYPES = (
    "text/plain",
    "application/xml",
    "x",
    "multipart/form-data",
    "image/x-nothing",
)
PATHS = (
    *(
        "/nothing",
        "/decode.exe",
        "/decode.",
        "/digits/",
        "/digits/%00",
        "/digits/12345.png",
        "/models/nothing",
        "/models/%ff",
    ),
    *(
        "/models/fake/nothing",
        "/v2/models/nothing",
        "/v2/models/fake.decoder/versions/0",
        "/v2/models/nothing/stats",
    ),
    *(
        "/v2/models/fake.decoder/versions/x/stats",
        "/v2/models/fake.other/ready",
        "/v2/nothing",
        "/%2e%2e/etc/passwd",
        "//decode.png?z=0,0",
    ),
    *(
        "/models/nothing/latents",
        "/models/../../etc/passwd",
        "/digits/3.exe",
        "/admin",
        "/.env",
        "/v2/models/fake.decoder/infer/x",
    ),
)
METHODS = ("PUT", "DELETE", "PATCH", "BREW", "TRACE")
# Magic, version, the length of the header and the header, as numpy's files begin.
NPY_HEADERS = (
    *("{}", "x", "{'descr': '<f4'}", "{'descr': '<f4', 'fortran_order': False}", "{'shape': (1, 2)}"),
    *(
        "{'descr': '|O', 'fortran_order': False, 'shape': (1, 2)}",
        "{'descr': '<U4', 'fortran_order': False, 'shape': (1, 2)}",
    ),
    *(
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 2)}",
    ),
    *(
        "{'descr': '<f4', 'fortran_order': False, 'shape': 2}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 2)}",
    ),
    *(
        "{'descr': '<f4', 'fortran_order': 1, 'shape': (1, 2), 'x': 1}",
        "__import__('os')",
        "{'descr': '<c8', 'fortran_order': False, 'shape': (1, 2)}",
    ),
    *(
        "{'descr': '<f4', 'fortran_order': False, 'shape': ()}",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1, 2)}",
    ),
)
FILES = (
    b"",
    b"x",
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"GIF89a",
    b"RIFF\x00\x00\x00\x00WEBP",
    b"BM",
    b"II*\x00",
    b"<svg/>",
    b"%PDF-1.7",
    b"\x00" * 100,
)
# Bodies of forms whose boundary is "b".
FORMS = (
    *(
        b"",
        b"--b",
        b"--b--",
        b"--b\r\n",
        b"--b\r\n\r\n\r\n--b--\r\n",
        b"--c\r\nContent-Disposition: form-data; name=file\r\n\r\nx\r\n--c--\r\n",
    ),
    *(
        b"--b\r\nContent-Disposition: form-data; name=file\r\n\r\nx\r\n--b--\r\n",
        b'--b\r\nContent-Disposition: form-data; name="other"; filename="a.png"\r\n\r\nx\r\n--b--\r\n',
    ),
    *(
        b"--b\r\nContent-Disposition: attachment\r\n\r\nx\r\n--b--\r\n",
        b"--b\r\nx" + b"y" * 20_000 + b"\r\n\r\n--b--\r\n",
        b"--b\r\n: x\r\n\r\n\r\n--b--",
    ),
)
