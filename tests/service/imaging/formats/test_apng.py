from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from service.core.arrays import Bytes
from service.imaging.formats import apng
from service.imaging.formats.png import write_png


def movie(n: int, height: int, width: int, channels: int) -> Bytes:
    return np.random.RandomState(0).randint(0, 256, (n, height, width, channels), np.uint8)


def read(content: bytes, shape: tuple[int, ...]) -> Bytes:
    with Image.open(io.BytesIO(content)) as image:
        assert image.mode == {1: "L", 3: "RGB"}[shape[-1]]
        frames = []
        for index in range(getattr(image, "n_frames", 1)):
            image.seek(index)
            # Pillow gives later frames of grey as it composed them.
            frames.append(np.asarray(image.convert("L" if shape[-1] == 1 else "RGB")))
    return np.stack(frames).reshape(-1, *shape[1:])


@pytest.mark.parametrize("n", [1, 2, 7])
@pytest.mark.parametrize("shape", [(1, 1, 1), (4, 6, 1), (5, 3, 3), (28, 28, 1)])
@pytest.mark.parametrize("scale", [1, 3])
def test_another_decoder_reads_every_frame(n: int, shape: tuple[int, int, int], scale: int) -> None:
    frames = movie(n, *shape)
    expected = frames.repeat(scale, axis=1).repeat(scale, axis=2)
    np.testing.assert_array_equal(read(apng.write_apng(frames, 40, 0, scale), expected.shape), expected)


def test_equal_frames_are_kept() -> None:
    frames = np.repeat(movie(2, 4, 4, 1), [3, 2], axis=0)
    np.testing.assert_array_equal(read(apng.write_apng(frames, 40, 0), frames.shape), frames)


@pytest.mark.parametrize(("duration_ms", "loops"), [(1, 0), (40, 1), (65535, 65535)])
def test_the_file_says_how_long_and_how_often(duration_ms: int, loops: int) -> None:
    content = apng.write_apng(movie(3, 4, 4, 1), duration_ms, loops)
    with Image.open(io.BytesIO(content)) as image:
        assert image.info["loop"] == loops
        for index in range(3):
            image.seek(index)
            assert image.info["duration"] == duration_ms


def test_frames_may_last_differently() -> None:
    frames = movie(2, 4, 4, 1)
    pieces = [apng.write_frame(frame, index, 100 * (index + 1)) for index, frame in enumerate(frames)]
    content = b"".join([apng.begin(4, 4, 1, 2, 0), *pieces, apng.end()])
    with Image.open(io.BytesIO(content)) as image:
        assert image.info["duration"] == 100
        image.seek(1)
        assert image.info["duration"] == 200


@pytest.mark.parametrize("channels", [1, 3])
def test_streamed_pieces_make_the_whole_file(channels: int) -> None:
    frames = movie(5, 6, 4, channels)
    pieces = [apng.begin(8, 12, channels, 5, 2)]
    pieces += [apng.write_frame(frame, index, 50, 2) for index, frame in enumerate(frames)]
    assert b"".join([*pieces, apng.end()]) == apng.write_apng(frames, 50, 2, 2)


def test_every_checksum_is_right() -> None:
    with Image.open(io.BytesIO(apng.write_apng(movie(3, 4, 4, 3), 40, 0))) as image:
        image.verify()


def test_a_viewer_that_knows_no_animation_shows_the_first_frame() -> None:
    frames = movie(3, 8, 8, 1)
    data = write_png(frames[0]).split(b"IDAT")[1].split(b"IEND")[0][:-8]
    assert b"IDAT" + data in apng.write_apng(frames, 40, 0)


def test_another_number_of_channels_is_refused() -> None:
    with pytest.raises(ValueError, match="channels: expected 1 or 3, received 2"):
        apng.write_apng(movie(1, 2, 2, 2), 40, 0)
