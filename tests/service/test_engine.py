from __future__ import annotations

import asyncio
import io
import pathlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from service import latent
from service.bundle import read_bundle
from service.engine import Endpoint, Engine
from service.errors import BundleError, InvalidValueError, NotFoundError
from service.manifest import ContainFit
from service.model import Model
from service.settings import Settings
from tests.service import fake

CLASSES = [
    {"label": 3, "z_mean": [1.0, 2.0], "covariance": [[0.1, 0.0], [0.0, 0.2]], "count": 4},
    {"label": 8, "z_mean": [-1.0, 0.5], "covariance": [[0.1, 0.05], [0.05, 0.1]], "count": 4},
]


def start(folder: pathlib.Path, **changes: Any) -> Engine:
    fake.write_bundle(folder, **changes)
    settings = Settings(max_request_rows=8, max_image_pixels=10_000)
    engine = Engine(Model(read_bundle(folder), settings), settings)
    engine.start()
    return engine


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return start(tmp_path_factory.mktemp("models") / "fake", classes=CLASSES)


def png(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_every_row_comes_back_in_its_place(engine: Engine) -> None:
    z = np.arange(16, dtype=np.float64).reshape(8, 2) / 8
    pictures = asyncio.run(engine.decode(z))
    np.testing.assert_array_equal(pictures.z, z.astype(np.float32))
    np.testing.assert_allclose(pictures.image, fake.decode(z), atol=1e-6)


@pytest.mark.parametrize(
    ("z", "says"),
    [
        (np.zeros((1, 3)), r"z: expected 2 numbers a vector \(latent_dim of fake\), received 3"),
        (np.zeros((9, 2)), "z: expected at most 8 in one request, received 9"),
        (np.array([[0, 1], [2, -1e9]]), r"z: expected numbers in \[-10000, 10000\], received -1000000000.0"),
    ],
)
def test_vectors_that_do_not_fit_the_model_are_refused(
    engine: Engine, z: np.ndarray[tuple[int, int], np.dtype[np.float64]], says: str
) -> None:
    with pytest.raises(InvalidValueError, match=says):
        asyncio.run(engine.decode(z))


def test_the_largest_vector_still_gives_finite_pictures(engine: Engine) -> None:
    assert np.isfinite(asyncio.run(engine.decode(np.array([[1e4, -1e4]]))).image).all()


def test_encode_draws_z_only_with_a_seed(engine: Engine) -> None:
    x = np.random.RandomState(0).random((3, 28, 28, 1)).astype(np.float32)
    plain = asyncio.run(engine.encode(x, None))
    np.testing.assert_allclose(plain.z_mean, fake.encode(x), atol=1e-6)
    assert plain.z is None
    drawn = asyncio.run(engine.encode(x, 5)).z
    np.testing.assert_array_equal(drawn, latent.sample_posterior(plain.z_mean, plain.z_log_var, 5))


def test_interpolates_between_a_class_and_a_vector(engine: Engine) -> None:
    end = Endpoint("to", z=np.array([3.0, 0.0]))
    pictures = asyncio.run(engine.interpolate(Endpoint("from", digit=3), end, 3, "lerp"))
    np.testing.assert_allclose(pictures.z, [[1, 2], [2, 1], [3, 0]])
    np.testing.assert_allclose(pictures.image, fake.decode(pictures.z), atol=1e-6)


def test_two_dimensions_are_interpolated_straight_by_default(engine: Engine) -> None:
    ends = Endpoint("from", z=np.array([1.0, 0.0])), Endpoint("to", z=np.array([0.0, 1.0]))
    pictures = asyncio.run(engine.interpolate(*ends, 3, None))
    np.testing.assert_allclose(pictures.z[1], [0.5, 0.5])


def test_a_bad_end_is_named(engine: Engine) -> None:
    good = Endpoint("from", digit=3)
    with pytest.raises(InvalidValueError, match=r"to\.z: expected 2 numbers"):
        asyncio.run(engine.interpolate(good, Endpoint("to", z=np.zeros(3)), 3, "lerp"))
    with pytest.raises(NotFoundError, match=r"to\.digit: expected a class of fake \(3, 8\), received 4"):
        asyncio.run(engine.interpolate(good, Endpoint("to", digit=4), 3, "lerp"))
    with pytest.raises(InvalidValueError, match="steps: expected at most 8"):
        asyncio.run(engine.interpolate(good, good, 9, "lerp"))


def test_draws_from_the_class(engine: Engine) -> None:
    np.testing.assert_array_equal(asyncio.run(engine.draw(8, 1, 0.0)).z, np.array([[-1, 0.5]], np.float32))
    one, again, other = (asyncio.run(engine.draw(8, seed, 1.0)).z for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).all()


def test_a_class_of_several_parts_is_drawn_from_them(tmp_path: pathlib.Path) -> None:
    parts = [
        {"weight": 0.75, "z_mean": [4.0, 4.0], "stddev": [0.0, 0.0]},
        {"weight": 0.25, "z_mean": [-4.0, 4.0], "stddev": [0.0, 0.0]},
    ]
    engine = start(tmp_path / "fake", classes=[{**CLASSES[0], "components": parts}])
    drawn = {tuple(engine.draw_row(3, seed, 1.0)[0, :2].tolist()) for seed in range(40)}
    assert drawn == {(4.0, 4.0), (-4.0, 4.0)}
    end = Endpoint("to", z=np.array([1.0, 1.0]))
    pictures = asyncio.run(engine.interpolate(Endpoint("from", digit=3), end, 2, "lerp"))
    np.testing.assert_array_equal(pictures.z[0], [4.0, 4.0])


def test_classes_that_are_no_gaussians_stop_the_start(tmp_path: pathlib.Path) -> None:
    wrong = [{**CLASSES[0], "covariance": [[1.0, 2.0], [2.0, 1.0]]}]
    with pytest.raises(BundleError, match="classes: label 3: covariance: expected no eigenvalue below 0"):
        start(tmp_path / "fake", classes=wrong)


def test_a_file_of_the_models_size_is_taken_pixel_by_pixel(engine: Engine) -> None:
    pixels = np.zeros((28, 28), np.uint8)
    pixels[3:9, 5:7] = 200
    for content, polarity in (
        (png(pixels), None),
        (png(255 - pixels), None),
        (png(255 - pixels), "dark-on-light"),
    ):
        x = asyncio.run(engine.read_uploads([("body", content)], polarity))  # type: ignore[arg-type]
        np.testing.assert_allclose(x[0, ..., 0], pixels / 255, atol=1e-6)


def test_a_polarity_that_is_given_is_believed(engine: Engine) -> None:
    bright = np.full((28, 28), 255, np.uint8)
    assert asyncio.run(engine.read_uploads([("body", png(bright))], "light-on-dark")).min() == 1
    assert asyncio.run(engine.read_uploads([("body", png(bright))], None)).max() == 0


def test_a_model_of_dark_figures_gets_dark_figures(tmp_path: pathlib.Path) -> None:
    image = {
        "height": 28, "width": 28, "channels": 1, "range": [0.0, 1.0],
        "polarity": "dark-on-light", "fit": {"method": "contain"},
    }  # fmt: skip
    engine = start(tmp_path / "fake", image=image)
    pixels = np.zeros((56, 56), np.uint8)
    pixels[20:40, 20:40] = 255
    x = asyncio.run(engine.read_uploads([("body", png(pixels))], None))[0, ..., 0]
    assert x[0].min() == 1
    assert x[14, 14] == 0


@pytest.mark.parametrize("polarity", ["light-on-dark", "dark-on-light"])
def test_colours_are_turned_over_only_when_asked(tmp_path: pathlib.Path, polarity: str) -> None:
    engine = start(tmp_path / "fake")
    colour = {"channels": 3, "polarity": polarity, "fit": ContainFit()}
    image = engine.manifest.image.model_copy(update=colour)
    engine.manifest = engine.manifest.model_copy(update={"image": image})
    for light in (20, 230):
        pixels = np.full((28, 28, 3), (light, 128, 0), np.uint8)
        x = asyncio.run(engine.read_uploads([("body", png(pixels))], None))
        np.testing.assert_allclose(x[0], pixels / 255, atol=1e-6)
    asked = "dark-on-light" if polarity == "light-on-dark" else "light-on-dark"
    x = asyncio.run(engine.read_uploads([("body", png(pixels))], asked))  # type: ignore[arg-type]
    np.testing.assert_allclose(x[0], 1 - pixels / 255, atol=1e-6)


def test_a_drawing_of_another_size_is_placed_as_the_training_images_were(engine: Engine) -> None:
    drawing = np.full((90, 60), 255, np.uint8)
    drawing[5:45, 5:10] = 0
    x = asyncio.run(engine.read_uploads([("body", png(drawing))], None))[0, ..., 0]
    rows, columns = np.nonzero(x.max(axis=1) > 0.5)[0], np.nonzero(x.max(axis=0) > 0.5)[0]
    assert (rows[0], rows[-1]) == (4, 23)
    assert 12 <= columns[0] <= columns[-1] <= 15


@pytest.mark.parametrize("shape", [(28, 28), (1, 28, 28), (5, 28, 28), (28, 28, 1), (5, 28, 28, 1)])
def test_pixels_come_with_or_without_their_axes_of_one(engine: Engine, shape: tuple[int, ...]) -> None:
    pixels = np.random.RandomState(0).random(shape)
    x = engine.read_pixels(pixels)
    np.testing.assert_array_equal(x, pixels.reshape(-1, 28, 28, 1).astype(np.float32))


@pytest.mark.parametrize(
    ("pixels", "says"),
    [
        (np.zeros((27, 28)), r"pixels: expected 28 rows of 28 numbers.*\(27, 28\)"),
        (np.zeros((9, 28, 28)), "pixels: expected at most 8"),
        (np.full((28, 28), 255.0), r"pixels: expected numbers in \[0, 1\]; divide 8-bit values by 255"),
        (np.full((28, 28), -0.1), r"pixels: expected numbers in \[0, 1\]"),
    ],
)
def test_pixels_that_do_not_fit_the_model_are_refused(
    engine: Engine, pixels: np.ndarray[tuple[int, ...], np.dtype[np.float64]], says: str
) -> None:
    with pytest.raises(InvalidValueError, match=says):
        engine.read_pixels(pixels)
