"""Answers of 200 that are not all that was asked for; either client."""

from __future__ import annotations

import json
import socket
import threading
import zipfile
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest

from service.client import BrokenAnswerError, Client, Retry, UnreachableError
from service.client.completeness import check_file
from service.client.serialize import to_npy
from service.core.choices import Format
from service.core.media_types import FORMATS
from service.imaging.formats import apng, gif, webp, zip_stream
from service.imaging.formats.png import write_png
from tests.service.client.driver import Driver, Pieces
from tests.service.client.sockets import serve

N = 3
MODEL = {"CVAE-Model": "fake@0123456789ab"}
PIXELS = np.arange(N * 4 * 5, dtype=np.uint8).reshape(N, 4, 5, 1)
LATENTS = np.zeros((N, 2), np.float32)


def write_json(n: int) -> bytes:
    return json.dumps({"z": [[0.0, 0.0]] * n, "images": [[[0.0]]] * n, "seed": 7}).encode()


def write_lines(n: int) -> bytes:
    lines = [{"index": index, "z": [0.0], "image": [[0.0]]} for index in range(n)]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def write_zip(n: int) -> bytes:
    return b"".join(zip_stream.zip_entries((f"{i}.png", write_png(PIXELS[i])) for i in range(n)))


WRITERS: dict[Format, Callable[[int], bytes]] = {
    "png": lambda n: write_png(PIXELS[:n].reshape(-1, 5, 1)),
    "webp": lambda n: webp.write_webp(PIXELS[:n], 100, 0),
    "gif": lambda n: gif.write_gif(PIXELS[:n], 100, 0),
    "apng": lambda n: apng.write_apng(PIXELS[:n], 100, 0),
    "json": write_json,
    "npy": lambda n: to_npy(PIXELS[:n, ..., 0]),
    "zip": write_zip,
    "ndjson": write_lines,
}
SHEETS = ("png",)


def answer(driver: Driver, content: bytes, kind: str) -> Driver:
    headers = {**MODEL, "Content-Type": kind}
    return driver.answer(lambda _: httpx.Response(200, headers=headers, content=content))


@pytest.mark.parametrize("format", WRITERS)
def test_a_whole_file_passes(driver: Driver, format: Format) -> None:  # noqa: A002
    content = WRITERS[format](N)
    answer(driver, content, FORMATS[format])
    made = driver.ask(lambda client: client.into(format).interpolate(1, 2, steps=N))
    assert made.content == content


@pytest.mark.parametrize("format", [each for each in WRITERS if each not in SHEETS])
@pytest.mark.parametrize("n", [N - 1, N + 1])
def test_a_file_of_another_number_is_broken(driver: Driver, format: Format, n: int) -> None:  # noqa: A002
    answer(driver, WRITERS[format](N), FORMATS[format])
    with pytest.raises(BrokenAnswerError, match=f"expected {n} pictures, received {N}"):
        driver.ask(lambda client: client.into(format).interpolate(1, 2, steps=n))


def cut(content: bytes) -> list[bytes]:
    step = max(1, len(content) // 60)
    return [content[:end] for end in (*range(0, len(content), step), len(content) - 1)]


def lengthen(content: bytes) -> list[bytes]:
    return [content + b"x", b"x" + content, content + content]


@pytest.mark.parametrize("format", WRITERS)
@pytest.mark.parametrize("spoil", [cut, lengthen])
def test_a_file_that_is_not_whole_is_broken(
    format: Format,  # noqa: A002
    spoil: Callable[[bytes], list[bytes]],
) -> None:
    headers = {**MODEL, "Content-Type": FORMATS[format]}
    bodies = iter(spoil(WRITERS[format](N)))
    transport = httpx.MockTransport(lambda _: httpx.Response(200, headers=headers, content=next(bodies)))
    with Client("http://service", transport=transport) as client:
        for _ in spoil(WRITERS[format](N)):
            with pytest.raises(BrokenAnswerError):
                client.into(format).interpolate(1, 2, steps=N)


@pytest.mark.parametrize("format", ["png", "apng", "zip"])
def test_a_changed_byte_is_found(format: Format) -> None:  # noqa: A002
    content = bytearray(WRITERS[format](N))
    content[content.index(b"IDAT") + 6] ^= 1
    with pytest.raises((ValueError, zipfile.BadZipFile)):
        check_file(format, bytes(content), N)


def test_another_format_than_asked_for_is_broken(driver: Driver) -> None:
    answer(driver, WRITERS["png"](N), "image/png")
    with pytest.raises(BrokenAnswerError, match="expected image/gif"):
        driver.ask(lambda client: client.into("gif").interpolate(1, 2, steps=N))


def test_pairs_are_two_of_each(driver: Driver) -> None:
    answer(driver, write_zip(2), "application/zip")
    assert driver.ask(lambda client: client.into("zip").reconstruct(b"PNG"))
    with pytest.raises(BrokenAnswerError, match="expected 4 pictures, received 2"):
        driver.ask(lambda client: client.into("zip").reconstruct([b"PNG", b"PNG"]))


PLACE = {"label": 1, "distance": 0.5, "index": 0}
PICTURES = ("z", "images")
POSTERIOR = ("z_mean", "z_log_var")
MEASURES = ("reconstruction_loss", "kl_divergence", "mean_squared_error")
CASES: list[tuple[str, int, tuple[str, ...], Callable[[Any], Any]]] = [
    ("sample", 3, PICTURES, lambda client: client.sample(3)),
    ("interpolate", 3, PICTURES, lambda client: client.interpolate(1, 2, steps=3)),
    ("draw", 1, PICTURES, lambda client: client.draw(7)),
    ("manifold", 4, PICTURES, lambda client: client.manifold(2)),
    ("encode", 3, (*POSTERIOR, "z", "neighbours"), lambda client: client.encode([b"PNG"] * 3, seed=1)),
    ("file", 1, (*POSTERIOR, "neighbours"), lambda client: client.encode(b"PNG")),
    ("array", 3, (*POSTERIOR, "neighbours"), lambda client: client.encode(np.zeros((3, 4, 5)))),
    ("colours", 3, (*POSTERIOR, "neighbours"), lambda client: client.encode(np.zeros((3, 4, 5, 3)))),
    ("one", 1, POSTERIOR, lambda client: client.encode(np.zeros((4, 5)))),
    (
        "reconstruct",
        3,
        (*PICTURES, *POSTERIOR, *MEASURES, "x"),
        lambda client: client.reconstruct([b"PNG"] * 3),
    ),
]


def make_fields(n: int) -> dict[str, Any]:
    fields: dict[str, Any] = {name: [[0.5, -1.0]] * n for name in ("z", *POSTERIOR)}
    fields |= {name: [[[0.5, 1.0]]] * n for name in ("images", "x")}
    fields |= {name: [0.5] * n for name in MEASURES}
    return fields | {"neighbours": [[PLACE]] * n, "label": [1] * n, "seed": 1}


def dump(fields: dict[str, Any]) -> tuple[bytes, str]:
    return json.dumps(fields).encode(), "application/json"


@pytest.mark.parametrize(
    ("n", "name", "ask"),
    [pytest.param(n, name, ask, id=f"{case}-{name}") for case, n, names, ask in CASES for name in names],
)
def test_a_list_of_another_length_is_broken(
    driver: Driver, n: int, name: str, ask: Callable[[Any], Any]
) -> None:
    fields = make_fields(n)
    assert answer(driver, *dump(fields)).ask(ask)
    for wrong in (n - 1, n + 1):
        short = make_fields(wrong)[name]
        with pytest.raises(
            BrokenAnswerError, match=rf"expected {n} pictures, received {wrong}|cannot be read"
        ):
            answer(driver, *dump({**fields, name: short})).ask(ask)


@pytest.mark.parametrize("name", ["z_mean", "label"])
def test_an_atlas_has_a_label_for_each(driver: Driver, name: str) -> None:
    fields = {**make_fields(3), name: make_fields(2)[name]}
    with pytest.raises(BrokenAnswerError, match=r"expected \d pictures, received \d"):
        answer(driver, *dump(fields)).ask(lambda client: client.latents("fake"))


def test_an_array_that_may_be_one_of_colour_is_taken_at_its_word(driver: Driver) -> None:
    for n in (1, 4):
        answer(driver, *dump(make_fields(n)))
        assert len(driver.ask(lambda client: client.encode(np.zeros((4, 5, 3)))).z_mean) == n


def test_a_draw_that_was_asked_for_must_come(driver: Driver) -> None:
    fields = make_fields(1)
    del fields["z"]
    answer(driver, *dump(fields))
    assert driver.ask(lambda client: client.encode(b"PNG")).z is None
    with pytest.raises(BrokenAnswerError):
        driver.ask(lambda client: client.encode(b"PNG", seed=1))


@pytest.mark.parametrize("image", [[[0.5]], [[300]], [[-1]], [["0"]]])
def test_pixels_that_are_no_levels_are_broken(driver: Driver, image: Any) -> None:
    answer(driver, *dump({**make_fields(1), "images": [image]}))
    with pytest.raises(BrokenAnswerError):
        driver.ask(lambda client: client.sample(1, dtype="uint8"))


def test_pixels_of_another_type_are_broken(driver: Driver) -> None:
    answer(driver, to_npy(PIXELS), "application/x-npy")
    assert len(driver.ask(lambda client: client.decode(LATENTS, dtype="uint8"))) == N
    with pytest.raises(BrokenAnswerError, match="expected pixels of float32, received uint8"):
        driver.ask(lambda client: client.decode(LATENTS))


def test_numpys_head_must_fit_its_numbers(driver: Driver) -> None:
    content = to_npy(PIXELS)
    large = content.replace(b"(3, 4, 5, 1)", b"(3, 4, 5, 9)")
    for wrong in (large, content + b"x", content[:-1], to_npy(np.array(0.5))):
        answer(driver, wrong, "application/x-npy")
        with pytest.raises(BrokenAnswerError):
            driver.ask(lambda client: client.decode(LATENTS, dtype="uint8"))


@pytest.mark.parametrize("came", [0, N - 1, N + 1])
def test_a_stream_of_another_number_is_broken(driver: Driver, came: int) -> None:
    answer(driver, write_lines(came), "application/x-ndjson")
    with pytest.raises(BrokenAnswerError, match=f"expected {N} frames, received {came}"):
        driver.ask(lambda client: client.stream(1, 2, steps=N))


def test_another_length_than_its_head_says_is_broken(driver: Driver) -> None:
    driver.answer(
        lambda _: httpx.Response(
            200, headers={**MODEL, "Content-Length": "9999"}, stream=Pieces([write_json(N)])
        )
    )
    with pytest.raises(BrokenAnswerError, match="expected 9999 bytes, received"):
        driver.ask(lambda client: client.sample(N))


CHUNK = b"%x\r\n%s\r\n" % (len(write_json(N)), write_json(N))


@pytest.mark.parametrize(
    "sent",
    [
        b"Content-Length: 9999\r\n\r\n" + write_json(N),
        b"Transfer-Encoding: chunked\r\n\r\n" + CHUNK,
        b"Transfer-Encoding: chunked\r\n\r\n" + CHUNK[:-9],
    ],
)
def test_an_answer_that_breaks_off_is_none(driver: Driver, sent: bytes) -> None:
    def work(connection: socket.socket, _over: threading.Event) -> None:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nCVAE-Model: fake@0123456789ab\r\n" + sent)

    with serve(work) as address:
        driver.open(None, base_url=address, retry=Retry(tries=1))
        with pytest.raises(UnreachableError):
            driver.ask(lambda client: client.sample(N))
        driver.close()
