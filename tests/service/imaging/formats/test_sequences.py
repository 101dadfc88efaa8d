from __future__ import annotations

import io
import tracemalloc
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image, WebPImagePlugin

from service.core.arrays import Bytes
from service.core.choices import Colormap
from service.core.errors import InvalidValueError
from service.imaging import colormaps
from service.imaging.formats import limits
from service.imaging.formats.gif import write_gif
from service.imaging.formats.limits import Format, check_sides
from service.imaging.formats.webp import write_webp

SHAPES = [(1, 1, 1), (2, 3, 1), (17, 20, 1), (5, 4, 3), (28, 28, 1)]


def movie(n: int, height: int, width: int, channels: int) -> Bytes:
    return np.random.RandomState(0).randint(0, 256, (n, height, width, channels), np.uint8)


def read(content: bytes) -> tuple[Bytes, list[int]]:
    """The frames, `(n, height, width, 3)`, and how long each is shown, in milliseconds."""
    frames, durations = [], []
    with Image.open(io.BytesIO(content)) as image:
        for index in range(getattr(image, "n_frames", 1)):
            image.seek(index)
            frames.append(np.asarray(image.convert("RGB")))
            durations.append(image.info.get("duration", 0))
    return np.stack(frames), durations


def coloured(frames: Bytes) -> Bytes:
    return np.broadcast_to(frames, (*frames.shape[:3], 3))


@pytest.mark.parametrize("write", [write_gif, write_webp])
@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("shape", SHAPES)
def test_another_decoder_reads_every_frame(
    write: Callable[[Bytes, int, int], bytes], n: int, shape: tuple[int, int, int]
) -> None:
    frames = movie(n, *shape)
    found, durations = read(write(frames, 40, 0))
    np.testing.assert_array_equal(found, coloured(frames))
    assert n == 1 or durations == [40] * n


@pytest.mark.parametrize("write", [write_gif, write_webp])
@pytest.mark.parametrize("channels", [1, 3])
def test_equal_frames_are_kept(write: Callable[[Bytes, int, int], bytes], channels: int) -> None:
    frames = np.repeat(movie(3, 5, 4, channels), [3, 1, 2], axis=0)
    found, durations = read(write(frames, 100, 0))
    np.testing.assert_array_equal(found, coloured(frames))
    assert durations == [100] * 6


@pytest.mark.parametrize("write", [write_gif, write_webp])
def test_equal_frames_give_equal_bytes_however_they_lie_in_memory(
    write: Callable[[Bytes, int, int], bytes],
) -> None:
    for channels in (1, 3):
        frames = movie(3, 20, 20, channels)
        assert write(frames, 40, 0) == write(np.asfortranarray(frames), 40, 0)


@pytest.mark.parametrize(
    ("duration_ms", "found"), [(1, 20), (20, 20), (24, 20), (25, 30), (35, 40), (1000, 1000), (65535, 65540)]
)
def test_gif_rounds_to_10_ms_and_at_least_20(duration_ms: int, found: int) -> None:
    assert read(write_gif(movie(2, 2, 2, 1), duration_ms, 0))[1] == [found] * 2


@pytest.mark.parametrize("duration_ms", [1, 33, limits.MAX_DURATION_MS])
def test_webp_keeps_milliseconds(duration_ms: int) -> None:
    assert read(write_webp(movie(2, 2, 2, 1), duration_ms, 0))[1] == [duration_ms] * 2


# GIF counts repeats after the first time, and is played once if nothing is said.
@pytest.mark.parametrize(("loops", "repeats"), [(0, 0), (1, None), (2, 1), (65535, 65534)])
def test_every_format_is_played_as_often_as_asked(loops: int, repeats: int | None) -> None:
    with Image.open(io.BytesIO(write_gif(movie(2, 2, 2, 1), 40, loops))) as image:
        assert image.info.get("loop") == repeats
    with Image.open(io.BytesIO(write_webp(movie(2, 2, 2, 1), 40, loops))) as image:
        assert image.info["loop"] == loops


@pytest.mark.parametrize("name", ["viridis", "coolwarm"])
def test_gif_keeps_the_colours_of_a_colormap(name: Colormap) -> None:
    frames = colormaps.colour(movie(4, 40, 40, 1), name)
    np.testing.assert_array_equal(read(write_gif(frames, 40, 0))[0], frames)


def test_gif_keeps_exactly_256_colours() -> None:
    frames = np.zeros((2, 16, 8, 3), np.uint8)
    frames[..., 1] = np.arange(256).reshape(2, 16, 8)
    frames[..., 2] = 255
    np.testing.assert_array_equal(read(write_gif(frames, 40, 0))[0], frames)


def test_gif_of_many_frames_takes_few_times_their_memory() -> None:
    frames = np.zeros((256, 112, 112, 3), np.uint8)
    frames[..., 0] = np.arange(112)
    tracemalloc.start()
    try:
        write_gif(frames, 100, 0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Two tables of all colours, and what is written; at once, the places alone took 26 bytes a pixel.
    assert peak < 2 * 2**24 + 1.5 * frames.nbytes


def test_gif_comes_near_to_more_colours() -> None:
    across = np.linspace(0, 255, 32)
    frames = np.zeros((3, 32, 32, 3), np.uint8)
    frames[..., 0], frames[..., 1] = across, across[:, np.newaxis]
    found, _ = read(write_gif(frames, 40, 0))
    assert found.shape == frames.shape
    assert 0 < np.abs(found - frames.astype(int)).max() < 32
    np.testing.assert_array_equal(found[0], found[2])


def test_one_frame_makes_a_still_webp() -> None:
    with Image.open(io.BytesIO(write_webp(movie(1, 5, 4, 1), 40, 0))) as image:
        assert not cast(WebPImagePlugin.WebPImageFile, image).is_animated


@pytest.mark.parametrize(
    ("kind", "side"), [("webp", 16383), ("gif", 65535), ("png", 2**31 - 1), ("apng", 2**31 - 1)]
)
def test_a_longer_side_than_the_format_holds_is_refused(kind: Format, side: int) -> None:
    check_sides(kind, side, side)
    for sides in ((side + 1, 1), (1, side + 1)):
        with pytest.raises(InvalidValueError, match=f"scale: expected .*{side} pixels, received .* x "):
            check_sides(kind, *sides)


@pytest.mark.parametrize(("write", "side"), [(write_webp, 16383), (write_gif, 65535)])
def test_the_longest_side_can_be_written(write: Callable[..., bytes], side: int) -> None:
    frames: Any = np.zeros((2, 1, side, 1), np.uint8)
    assert read(write(frames, 40, 0))[0].shape == (2, 1, side, 3)
    with pytest.raises(InvalidValueError, match="scale"):
        write(np.zeros((2, 1, side + 1, 1), np.uint8), 40, 0)
