from __future__ import annotations

import asyncio
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from service.batching.context import RequestContext
from service.bundles.manifest import CentreOfMassFit, ContainFit, ImageSpec
from service.core.errors import InvalidValueError
from service.inference.image_inputs import ImageInputs
from service.inference.upload_threads import UploadThreads

DIGITS = ImageSpec(
    height=28, width=28, channels=1, range=(0, 1), polarity="light-on-dark", fit=CentreOfMassFit(box=20)
)


def make(**changes: Any) -> ImageInputs:
    return ImageInputs(DIGITS.model_copy(update=changes), 100_000, UploadThreads())


def read(
    uploads: ImageInputs, files: list[tuple[str, bytes]], polarity: Any, call: RequestContext | None = None
) -> Any:
    pictures = asyncio.run(uploads.read_pictures(files, polarity, call or RequestContext()))
    return np.stack([picture.x for _, picture in pictures])


def png(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_numbers_may_be_from_0_to_1() -> None:
    pixels = np.linspace(0, 1, 784).reshape(28, 28)
    np.testing.assert_allclose(make().read_pixels("pixels", pixels)[0, ..., 0], pixels, atol=1e-7)
    for worst in (1.0001, -0.0001):
        wrong = pixels.copy()
        wrong[3, 4] = worst
        with pytest.raises(
            InvalidValueError, match=rf"^pixels: expected numbers in \[0, 1\].* received {worst}$"
        ):
            make().read_pixels("pixels", wrong)


def test_a_file_of_the_models_size_is_taken_pixel_by_pixel() -> None:
    pixels = np.zeros((28, 28), np.uint8)
    pixels[4:24, 13:15] = 200
    for content, polarity in (
        (png(pixels), None),
        (png(255 - pixels), None),
        (png(255 - pixels), "dark-on-light"),
    ):
        x = read(make(), [("body", content)], polarity)
        np.testing.assert_allclose(x[0, ..., 0], pixels / 255, atol=1e-6)


def test_a_figure_beside_the_middle_is_moved_there() -> None:
    pixels = np.zeros((28, 28), np.uint8)
    pixels[4:24, 13:15] = np.arange(100, 140, dtype=np.uint8).reshape(20, 2)
    for rows, columns in ((0, 3), (2, 0), (-3, 4), (3, -9)):
        moved = np.roll(pixels, (rows, columns), (0, 1))
        for content in (png(moved), png(255 - moved)):
            x = read(make(), [("body", content)], None)[0, ..., 0]
            np.testing.assert_allclose(x, pixels / 255, atol=1e-6)


def test_a_small_figure_of_the_models_size_is_scaled() -> None:
    pixels = np.zeros((28, 28), np.uint8)
    pixels[3:12, 5:7] = 200
    x = read(make(), [("body", png(pixels))], None)[0, ..., 0]
    rows = np.flatnonzero(x.max(axis=1) > 0.5)
    assert (rows[0], rows[-1]) == (4, 23)


def test_a_polarity_that_is_given_is_believed() -> None:
    drawing = np.full((60, 60), 255, np.uint8)
    drawing[10:50, 20:25] = 0
    assert read(make(), [("body", png(drawing))], "dark-on-light").max() == 1
    with pytest.raises(InvalidValueError, match="body: expected a figure that stands out"):
        read(make(), [("body", png(drawing))], "light-on-dark")


@pytest.mark.parametrize("size", [(28, 28), (200, 300)])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_picture_without_a_figure_is_refused(size: tuple[int, int], level: int) -> None:
    with pytest.raises(InvalidValueError, match="body: expected a figure that stands out"):
        read(make(), [("body", png(np.full(size, level, np.uint8)))], None)


@pytest.mark.parametrize("ink", [0, 255])
@pytest.mark.parametrize("side", [28, 280])
def test_strokes_on_a_transparent_canvas_are_read(ink: int, side: int) -> None:
    alpha = np.zeros((side, side), np.uint8)
    alpha[side // 7 : side * 6 // 7, side * 13 // 28 : side * 15 // 28] = 255
    levels = np.full((side, side), ink, np.uint8)
    x = read(make(), [("body", png(np.stack([levels, levels, levels, alpha], axis=2)))], None)[0, ..., 0]
    rows, columns = np.flatnonzero(x.max(axis=1) > 0.5), np.flatnonzero(x.max(axis=0) > 0.5)
    assert len(rows) == 20
    assert rows[0] in (4, 5)
    assert 12 <= columns[0] <= columns[-1] <= 16


def test_a_model_of_dark_figures_gets_dark_figures() -> None:
    uploads = make(polarity="dark-on-light", fit=ContainFit())
    pixels = np.zeros((56, 56), np.uint8)
    pixels[20:40, 20:40] = 255
    x = read(uploads, [("body", png(pixels))], None)[0, ..., 0]
    assert x[0].min() == 1
    assert x[14, 14] == 0


@pytest.mark.parametrize("polarity", ["light-on-dark", "dark-on-light"])
def test_colours_are_turned_over_only_when_asked(polarity: str) -> None:
    uploads = make(channels=3, polarity=polarity, fit=ContainFit())
    for light in (20, 230):
        pixels = np.full((28, 28, 3), (light, 128, 0), np.uint8)
        x = read(uploads, [("body", png(pixels))], None)
        np.testing.assert_allclose(x[0], pixels / 255, atol=1e-6)
    asked = "dark-on-light" if polarity == "light-on-dark" else "light-on-dark"
    x = read(uploads, [("body", png(pixels))], asked)
    np.testing.assert_allclose(x[0], 1 - pixels / 255, atol=1e-6)


def test_a_drawing_of_another_size_is_placed_as_the_training_images_were() -> None:
    drawing = np.full((90, 60), 255, np.uint8)
    drawing[5:45, 5:10] = 0
    x = read(make(), [("body", png(drawing))], None)[0, ..., 0]
    rows, columns = np.nonzero(x.max(axis=1) > 0.5)[0], np.nonzero(x.max(axis=0) > 0.5)[0]
    assert (rows[0], rows[-1]) == (4, 23)
    assert 12 <= columns[0] <= columns[-1] <= 15


@pytest.mark.parametrize("shape", [(28, 28), (1, 28, 28), (5, 28, 28), (28, 28, 1), (5, 28, 28, 1)])
def test_pixels_come_with_or_without_their_axes_of_one(shape: tuple[int, ...]) -> None:
    pixels = np.random.RandomState(0).random(shape)
    x = make().read_pixels("pixels", pixels)
    np.testing.assert_array_equal(x, pixels.reshape(-1, 28, 28, 1).astype(np.float32))


@pytest.mark.parametrize(
    ("pixels", "says"),
    [
        (np.zeros((27, 28)), r"pixels: expected 28 rows of 28 numbers.*\(27, 28\)"),
        (np.full((28, 28), 255.0), r"pixels: expected numbers in \[0, 1\]; divide 8-bit values by 255"),
        (np.full((28, 28), -0.1), r"pixels: expected numbers in \[0, 1\]"),
    ],
)
def test_pixels_that_do_not_fit_the_model_are_refused(
    pixels: np.ndarray[tuple[int, ...], np.dtype[np.float64]], says: str
) -> None:
    with pytest.raises(InvalidValueError, match=says):
        make().read_pixels("pixels", pixels)


def test_few_small_files_are_read_at_once_to_the_same_pixels() -> None:
    uploads = make()
    pixels = np.zeros((4, 28, 28), np.uint8)
    pixels[:, 4:24, 12:16] = np.random.RandomState(0).randint(100, 256, (4, 20, 4), np.uint8)
    files = [(f"file[{i}]", png(picture)) for i, picture in enumerate(pixels)]
    small = uploads.read_small(files, "light-on-dark")
    assert small is not None
    x = np.stack([picture.x for _, picture in small])
    np.testing.assert_array_equal(x, read(uploads, files, "light-on-dark"))


@pytest.mark.parametrize(
    "contents",
    [
        [png(np.zeros((28, 28), np.uint8))] * 5,
        [png(np.zeros((28, 27), np.uint8))],
        [png(np.zeros((28, 28), np.uint8)) + bytes(8192)],
        [b"\x89PNG\r\n\x1a\n", png(np.zeros((28, 28), np.uint8))],
        [b"GIF89a"],
        [png(np.random.RandomState(0).randint(0, 256, (28, 28), np.uint8))],
    ],
    ids=["five", "another size", "many bytes", "no head", "no PNG", "no plain figure"],
)
def test_what_may_take_long_is_not_read_at_once(contents: list[bytes]) -> None:
    assert make().read_small([("file", content) for content in contents], None) is None


def test_files_after_too_many_figures_are_not_read() -> None:
    pixels = np.full((60, 100), 255, np.uint8)
    pixels[20:40, 30:34] = pixels[20:40, 60:64] = 0
    counts: list[int] = []

    def refuse_more_than_four(figures: int) -> None:
        counts.append(figures)
        if figures > 4:
            raise InvalidValueError("figures", "at most 4", figures)

    files = [("file", png(pixels))] * 9
    reading = make().read_pictures(files, None, RequestContext(), True, refuse_more_than_four)
    with pytest.raises(InvalidValueError, match=r"^figures: expected at most 4, received 6$"):
        asyncio.run(reading)
    assert counts == [2, 4, 6]
