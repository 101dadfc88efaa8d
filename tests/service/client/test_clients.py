"""Either client against the real application: arrays in, arrays and files out."""

from __future__ import annotations

import functools
import io
import pathlib
import zipfile
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from service.client import Client, Look, NotFoundError, RequestError
from service.imaging.formats.png import write_png
from tests.service import fake
from tests.service.client.driver import Driver

Z = np.array([[0.5, -1.0], [0.0, 2.0], [-1.5, 0.25]], np.float32)


def halves(top: int, bottom: int) -> np.ndarray[Any, Any]:
    return np.repeat(np.array([top, bottom], np.uint8), 14)[:, np.newaxis].repeat(28, axis=1)


def test_decode_gives_the_pictures_of_the_vectors(service: Driver) -> None:
    pictures = service.ask(lambda client: client.decode(Z))
    assert pictures.images.dtype == np.float32
    np.testing.assert_allclose(pictures.images, fake.decode(Z)[..., 0], atol=1e-6)
    np.testing.assert_array_equal(pictures.z, Z)
    assert len(pictures) == 3
    assert pictures.model == "fake"
    assert pictures.reference == f"fake@{pictures.version}"
    assert len(pictures.request_id) == 32
    assert set(pictures.timings) == {"queue", "inference", "encode"}


def test_one_vector_is_a_batch_of_one_and_uint8_is_levels(service: Driver) -> None:
    pictures = service.ask(lambda client: client.decode([0.0, 2.0], dtype="uint8"))
    assert pictures.images.shape == (1, 28, 28)
    assert pictures.images.dtype == np.uint8
    (picture,) = pictures.pil()
    np.testing.assert_array_equal(np.asarray(picture), halves(128, 225))


@pytest.mark.parametrize("label", [7, np.int64(7), [7, 7, 7]])
def test_labels_reach_a_conditional_model(service: Driver, label: Any) -> None:
    pictures = service.ask(lambda client: client.decode(Z, label=label, model="labelled"))
    np.testing.assert_allclose(pictures.images, fake.decode(Z, [7, 7, 7])[..., 0], atol=1e-6)


def encode(client: Any, pictures: Any) -> Any:
    return client.encode(pictures, seed=3, neighbours=2)


def test_encode_takes_arrays_as_they_are(service: Driver) -> None:
    x = np.stack([halves(255, 0), halves(51, 102)])
    for array in (x, (x / 255).astype(np.float32)):
        posterior = service.ask(functools.partial(encode, pictures=array))
        np.testing.assert_allclose(posterior.z_mean, [[1.0, 0.0], [0.2, 0.4]], atol=1e-6)
        np.testing.assert_allclose(posterior.z_log_var, -posterior.z_mean)
        assert posterior.z.shape == (2, 2)
        assert posterior.seed == 3
        assert posterior.neighbours.index.shape == (2, 2)
        np.testing.assert_array_equal(posterior.neighbours.index[0], [0, 1])
        np.testing.assert_allclose(posterior.neighbours.distance[0], [1, 1])
        np.testing.assert_array_equal(posterior.neighbours.label[0], [0, 1])


def test_encode_takes_files_of_every_kind(service: Driver, tmp_path: pathlib.Path) -> None:
    content = write_png(halves(255, 51)[..., np.newaxis])
    path = tmp_path / "picture.png"
    path.write_bytes(content)
    several = [content, path, Image.fromarray(halves(255, 51))]
    posterior = service.ask(lambda client: client.encode(several, polarity="light-on-dark", neighbours=0))
    np.testing.assert_allclose(posterior.z_mean, [[1.0, 0.2]] * 3, atol=1e-6)
    assert posterior.z is posterior.seed is None
    assert posterior.neighbours.label.shape == (3, 0)
    one = service.ask(lambda client: client.encode(path, polarity="light-on-dark"))
    np.testing.assert_allclose(one.z_mean, [[1.0, 0.2]], atol=1e-6)


def as_path(content: bytes, folder: pathlib.Path) -> pathlib.Path:
    path = folder / "picture.png"
    path.write_bytes(content)
    return path


HOLDERS: dict[str, Callable[[bytes, pathlib.Path], Any]] = {
    "path": as_path,
    "str": lambda content, folder: str(as_path(content, folder)),
    "bytes": lambda content, _: content,
    "bytearray": lambda content, _: bytearray(content),
    "memoryview": lambda content, _: memoryview(content),
    "BytesIO": lambda content, _: io.BytesIO(content),
    "Pillow": lambda content, _: Image.open(io.BytesIO(content)),
}


@pytest.mark.parametrize("kind", HOLDERS)
@pytest.mark.parametrize("several", [False, True])
def test_a_file_may_be_held_in_many_ways(
    service: Driver, tmp_path: pathlib.Path, kind: str, several: bool
) -> None:
    content = write_png(halves(255, 51)[..., np.newaxis])
    held = HOLDERS[kind](content, tmp_path)
    posterior = service.ask(
        lambda client: client.encode(iter([held, content]) if several else held, polarity="light-on-dark")
    )
    np.testing.assert_allclose(posterior.z_mean, [[1.0, 0.2]] * (1 + several), atol=1e-6)


def test_a_file_that_is_open_is_read_whole(service: Driver, tmp_path: pathlib.Path) -> None:
    path = as_path(write_png(halves(255, 51)[..., np.newaxis]), tmp_path)
    with path.open("rb") as file:
        pictures = service.ask(lambda client: client.reconstruct(file, polarity="light-on-dark"))
    np.testing.assert_allclose(pictures.z_mean, [[1.0, 0.2]], atol=1e-6)
    with path.open("rb") as file:
        pictures = service.ask(lambda client: client.interpolate(str(path), file, steps=2))
    np.testing.assert_allclose(pictures.z, [[0.0, 0.8]] * 2, atol=1e-6)  # the border says: dark on light


def test_a_list_of_arrays_is_one_array(service: Driver) -> None:
    several = [halves(255, 0), halves(51, 102)]
    posterior = service.ask(lambda client: client.encode(several))
    np.testing.assert_allclose(posterior.z_mean, [[1.0, 0.0], [0.2, 0.4]], atol=1e-6)


@pytest.mark.parametrize(
    ("pictures", "received"),
    [
        (3, "a list of these, received int"),
        (None, "a list of these, received NoneType"),
        ({"a.png": b""}, "a list of these, received dict"),
        ([b"", 3], "or an array, received int"),
        ([b"", halves(0, 1)], "expected files alone, or arrays alone, received ndarray"),
        (io.StringIO("text"), "expected a file opened in binary mode, whose content is bytes, received str"),
    ],
    ids=["int", "None", "dict", "in a list", "mixed", "text file"],
)
@pytest.mark.parametrize("name", ["encode", "reconstruct"])
def test_what_is_no_picture_is_a_type_error(service: Driver, name: str, pictures: Any, received: str) -> None:
    with pytest.raises(TypeError, match=received):
        service.ask(lambda client: getattr(client, name)(pictures))


@pytest.mark.parametrize("end", [None, object(), {"z": 1}, ["a"]])
def test_what_is_no_end_is_a_type_error(service: Driver, end: Any) -> None:
    with pytest.raises(TypeError, match="expected a class, a vector or a picture's file, received"):
        service.ask(lambda client: client.interpolate(3, end))


def test_reconstruct_says_how_far_it_is(service: Driver) -> None:
    x = halves(255, 51)
    pictures = service.ask(lambda client: client.reconstruct(x, model="labelled", label=2))
    np.testing.assert_allclose(pictures.x[0], x / 255, atol=1e-6)
    np.testing.assert_allclose(pictures.images, fake.decode(pictures.z_mean, [2])[..., 0], atol=1e-6)
    assert pictures.reconstruction_loss.shape == pictures.kl_divergence.shape == (1,)
    expected = ((pictures.images - pictures.x) ** 2).mean()
    assert pictures.mean_squared_error[0] == pytest.approx(expected, abs=1e-6)


def test_encode_tells_what_made_a_file(service: Driver) -> None:
    file = service.ask(lambda client: client.into("webp", metadata=True).draw(4, seed=1))
    assert b"XMP " in file.content
    file = service.ask(lambda client: client.into("png", metadata=True).draw(4, seed=1))
    several = [file.content, write_png(halves(255, 51)[..., np.newaxis])]
    posterior = service.ask(lambda client: client.encode(several, metadata=True))
    made_by, nothing = posterior.made_by
    assert (made_by["digit"], made_by["seed"], nothing) == (4, 1, None)
    assert service.ask(lambda client: client.encode(several)).made_by == ()


@pytest.mark.parametrize("labels", ["20", "2,0", [2, 0], ["2", 0]])
def test_restyle_writes_labels_in_the_style_of_a_picture(service: Driver, labels: Any) -> None:
    x = np.stack([halves(255, 51), halves(51, 255)])
    pictures = service.ask(lambda client: client.restyle(x, labels))
    assert pictures.model == "labelled"
    np.testing.assert_allclose(pictures.z, [[0.6, 0.6]] * 2, atol=1e-6)
    np.testing.assert_allclose(pictures.images, fake.decode(pictures.z, [2, 0])[..., 0], atol=1e-6)


def test_restyle_draws_every_class_unless_told(service: Driver) -> None:
    assert len(service.ask(lambda client: client.restyle(halves(255, 51), model="labelled"))) == 10
    file = service.ask(lambda client: client.into("npy").restyle(halves(255, 51), [4, 2]))
    assert np.load(io.BytesIO(file.content)).shape == (2, 28, 28)


@pytest.mark.parametrize("start", [3, "digit:3", [1.5, -1.5], "1.5,-1.5", np.array([1.5, -1.5])])
def test_a_path_goes_from_either_kind_of_end(service: Driver, start: Any) -> None:
    pictures = service.ask(lambda client: client.interpolate(start, [0.1, -0.4], steps=3, method="lerp"))
    np.testing.assert_allclose(pictures.z, [[1.5, -1.5], [0.8, -0.95], [0.1, -0.4]], atol=1e-6)
    np.testing.assert_allclose(pictures.images, fake.decode(pictures.z)[..., 0], atol=1e-6)


@pytest.mark.parametrize("end", ["digit:0", 0, [0.0, 0.0], "0,0"])
def test_a_path_goes_from_an_array_of_pixels(service: Driver, end: Any) -> None:
    pictures = service.ask(lambda client: client.interpolate(halves(255, 51), end, steps=2))
    np.testing.assert_allclose(pictures.z, [[1.0, 0.2], [0.0, 0.0]], atol=1e-6)


def test_a_path_goes_from_a_file(service: Driver) -> None:
    picture = Image.fromarray(halves(51, 255))
    pictures = service.ask(lambda client: client.interpolate(picture, [1.0, 1.0], steps=2))
    np.testing.assert_allclose(pictures.z[-1], [1, 1])


def test_labels_go_beside_the_ends(service: Driver) -> None:
    ends = {"start_label": 1, "end_label": 9, "model": "labelled"}
    pictures = service.ask(lambda client: client.interpolate([0.0, 0.0], [0.0, 0.0], steps=2, **ends))
    np.testing.assert_allclose(pictures.images, fake.decode(np.zeros((2, 2)), [1, 9])[..., 0], atol=1e-6)


def test_a_path_goes_through_points_and_their_labels(service: Driver) -> None:
    through: dict[str, Any] = {"through": [[2.0, 0.0], 9, [0.0, 4.0]], "through_label": [1, 7]}
    ends: dict[str, Any] = {"start_label": 1, "end_label": 9, "model": "labelled", "steps": 5}
    pictures = service.ask(lambda client: client.interpolate([0.0, 0.0], [0.0, 0.0], **ends, **through))
    np.testing.assert_allclose(pictures.z[[0, 1, 3, 4]], [[0, 0], [2, 0], [0, 4], [0, 0]])
    expected = fake.decode(pictures.z, [1, 1, 9, 7, 9])[..., 0]
    np.testing.assert_allclose(pictures.images, expected, atol=1e-6)
    url = Client("http://h").urls("npy").interpolate([0.0, 0.0], [0.0, 0.0], **ends, **through)
    assert "through=2.0%2C0.0&through=digit%3A9&through=0.0%2C4.0&through_label=1&through_label=7" in url
    with pytest.raises(ValueError, match="through_label: expected 2, received 1"):
        service.ask(lambda client: client.interpolate(3, 3, through=through["through"], through_label=[1]))
    with pytest.raises(ValueError, match="expected all pictures as arrays"):
        service.ask(lambda client: client.interpolate(b"PNG", 3, through=[4]))


def test_the_points_of_a_path_may_be_an_array(service: Driver) -> None:
    through = np.array([[2.0, 0.0], [0.0, 4.0]])
    ends: dict[str, Any] = {"start_label": 1, "end_label": 9, "model": "labelled", "steps": 4}
    pictures = service.ask(
        lambda client: client.interpolate(
            [0.0, 0.0], [1.0, 0.0], **ends, through=through, through_label=np.array([7, 9])
        )
    )
    np.testing.assert_allclose(pictures.z, [[0, 0], *through, [1, 0]])


def test_an_array_and_a_file_cannot_be_the_two_ends(service: Driver) -> None:
    with pytest.raises(ValueError, match=r"expected all pictures as arrays, or those of both"):
        service.ask(lambda client: client.interpolate(halves(1, 2), b"PNG"))


def test_the_same_seed_draws_the_same(service: Driver) -> None:
    first = service.ask(lambda client: client.sample(3, temperature=0.5))
    assert first.seed is not None
    again = service.ask(lambda client: client.sample(3, temperature=0.5, seed=first.seed))
    np.testing.assert_array_equal(first.z, again.z)
    assert len(again) == 3
    normal = service.ask(lambda client: client.sample(3, prior="normal", temperature=0.5, seed=first.seed))
    np.testing.assert_array_equal(first.z, normal.z)
    with pytest.raises(RequestError, match="prior"):
        service.ask(lambda client: client.sample(3, prior="mixture"))


def test_draw_draws_from_a_class(service: Driver) -> None:
    pictures = service.ask(lambda client: client.draw(4, seed=1, temperature=0))
    np.testing.assert_allclose(pictures.z, [[2, -2]])
    assert pictures.seed == 1


def test_the_manifold_is_a_grid(service: Driver) -> None:
    pictures = service.ask(lambda client: client.manifold(2, extent=1.5, dims=(1, 0)))
    np.testing.assert_allclose(pictures.z, [[1.5, -1.5], [1.5, 1.5], [-1.5, -1.5], [-1.5, 1.5]])


def test_frames_come_one_by_one(service: Driver) -> None:
    frames = service.ask(lambda client: client.stream(3, [0.1, -0.4], steps=130, dtype="uint8"))
    assert [frame.index for frame in frames] == list(range(130))
    np.testing.assert_allclose(frames[-1].z, [0.1, -0.4])
    assert frames[0].image.dtype == np.uint8
    np.testing.assert_array_equal(np.asarray(frames[0].pil()), halves(208, 47))


def test_files_come_in_the_format_and_look_asked_for(service: Driver) -> None:
    look: Look = {"scale": 2, "padding": 1, "colormap": "viridis"}
    file = service.ask(lambda client: client.into("png", **look).decode(Z[:1]))
    assert file.media_type == "image/png"
    assert file.pil().size == (60, 60)
    assert file.pil().mode == "RGB"
    moving = service.ask(lambda client: client.into("gif", duration_ms=50).interpolate(1, 2, steps=5))
    assert moving.pil().n_frames == 5
    archive = service.ask(lambda client: client.into("zip").sample(3, seed=1))
    assert archive.seed == 1
    assert len(zipfile.ZipFile(io.BytesIO(archive.content)).namelist()) == 3
    drawn = service.ask(lambda client: client.into("webp", invert=True).draw(3, seed=9))
    assert drawn.media_type == "image/webp"
    assert drawn.seed == 9


def test_every_route_of_pictures_gives_files(service: Driver, tmp_path: pathlib.Path) -> None:
    file = service.ask(lambda client: client.into("png").reconstruct(halves(255, 51)))
    assert file.pil().size == (56, 28)
    file = service.ask(lambda client: client.into("png").manifold(3))
    assert file.pil().size == (84, 84)
    file = service.ask(lambda client: client.into("png").latent_map(64))
    file.save(tmp_path / "map.png")
    with Image.open(tmp_path / "map.png") as image:
        assert image.height == 64


def test_models_are_described(service: Driver) -> None:
    plain, labelled = service.ask(lambda client: client.models())
    assert (plain.name, plain.default, plain.conditional) == ("fake", True, False)
    assert (labelled.name, labelled.default, labelled.conditional) == ("labelled", False, True)
    assert plain.classes == tuple(range(10))
    details = service.ask(lambda client: client.model("fake"))
    assert details.manifest["latent_dim"] == details.latent_dim == 2
    assert details.card == "# A fake\n"
    assert details.reference == plain.reference


def test_what_models_says_pins_the_version(service: Driver) -> None:
    _, labelled = service.ask(lambda client: client.models())
    pictures = service.ask(lambda client: client.draw(3, model=labelled))
    assert pictures.reference == labelled.reference


def test_latents_are_the_atlas(service: Driver) -> None:
    atlas = service.ask(lambda client: client.latents("labelled"))
    np.testing.assert_array_equal(atlas.z_mean, [[0, 0], [1, -1], [-2, 3]])
    np.testing.assert_array_equal(atlas.label, [0, 1, 1])
    assert atlas.model == "labelled"


def test_a_running_service_is_ready(service: Driver) -> None:
    assert service.ask(lambda client: client.ready()) is True


def test_a_fault_names_the_field(service: Driver) -> None:
    with pytest.raises(RequestError, match="latent_dim of fake") as caught:
        service.ask(lambda client: client.decode([[1.0, 2.0, 3.0]]))
    error = caught.value
    assert (error.status, error.title) == (422, "Unprocessable Entity")
    (fault,) = error.errors
    assert (fault.field, fault.received) == ("z", "3")
    assert len(error.request_id) == 32


def test_a_model_that_is_not_there_is_not_found(service: Driver) -> None:
    with pytest.raises(NotFoundError, match="one of fake, labelled"):
        service.ask(lambda client: client.latents("other"))


PICTURE_CALLS: tuple[Callable[[Any], Any], ...] = (
    lambda view: view.decode(Z, label=[1, 2, 3], model="labelled"),
    lambda view: view.draw(7, seed=3, temperature=0.5),
    lambda view: view.sample(4, digit=2, seed=3),
    lambda view: view.interpolate(3, [0.1, -0.4], steps=4, method="slerp"),
    lambda view: view.manifold(3, extent=2.0, dims=(1, 0), label=2, model="labelled"),
)


@pytest.mark.parametrize("ask", PICTURE_CALLS)
def test_addresses_of_pictures_show_what_the_methods_give(service: Driver, ask: Callable[[Any], Any]) -> None:
    def fetch(url: str) -> bytes:
        async def get() -> bytes:
            async with httpx.AsyncClient(transport=transport) as plain:
                answer = await plain.get(url)
                assert answer.status_code == 200, answer.text
                return answer.content

        return service.runner.run(get())

    inner = service.client.http._transport
    transport = inner if service.kind == "asyncio" else inner.transport
    urls = service.client.urls("png", scale=2, invert=True)
    files = service.client.into("png", scale=2, invert=True)
    assert fetch(ask(urls)) == service.ask(lambda _: ask(files)).content
