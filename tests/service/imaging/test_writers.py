from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
import pytest
from PIL import Image

from service.bundles.manifest import Manifest
from service.bundles.reader import read_bundle
from service.core.errors import InvalidValueError
from service.core.media_types import APNG, FORMATS, GIF, JSON, NDJSON, NPY, PNG, WEBP, ZIP
from service.imaging import representation, writers
from service.imaging.formats.png import write_png
from service.imaging.pictures import Pictures
from service.imaging.rendering import Look, draw_sheet
from service.imaging.representation import Representation
from tests.service import fake

Z = np.random.RandomState(0).standard_normal((5, 2)).astype(np.float32)
FIVE = Pictures(Z, fake.decode(Z))


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return read_bundle(fake.write_bundle(tmp_path_factory.mktemp("models") / "fake")).manifest


@pytest.mark.parametrize("media_type", representation.IN_PARTS)
def test_what_is_written_in_parts_is_what_is_written_at_once(manifest: Manifest, media_type: str) -> None:
    wanted = Representation(media_type, Look(scale=2, padding=1), sequence=True)
    writer = writers.open_writer(wanted, manifest, 5)
    parts = [writer.write(Pictures(FIVE.z[i:j], FIVE.image[i:j])) for i, j in ((0, 2), (2, 3), (3, 5))]
    assert all(parts)
    assert b"".join((*parts, writer.close())) == writers.write(wanted, manifest, FIVE, {})


def test_every_format_can_be_written(manifest: Manifest) -> None:
    starts = {
        PNG: b"\x89PNG", APNG: b"\x89PNG", WEBP: b"RIFF", GIF: b"GIF89a",
        JSON: b'{"model":"fake"', NDJSON: b'{"index":0', NPY: b"\x93NUMPY", ZIP: b"PK",
    }  # fmt: skip
    assert set(starts) == set(FORMATS.values())
    for media_type, start in starts.items():
        assert writers.write(Representation(media_type), manifest, FIVE, {}).startswith(start)


@pytest.mark.parametrize("change", [{}, {"padding": 2}, {"invert": True}, {"columns": 5}, {"scale": 3},
                                    {"scale": 2, "resample": "smooth"}, {"colormap": "viridis"}])  # fmt: skip
def test_a_sheet_is_written_as_the_picture_of_it(manifest: Manifest, change: dict[str, Any]) -> None:
    look = Look(**change)
    for n in (1, 2, 5):
        few = Pictures(FIVE.z[:n], FIVE.image[:n])
        sheet = write_png(draw_sheet(few.levels, look))
        found = Image.open(io.BytesIO(writers.write(Representation(PNG, look), manifest, few, {})))
        np.testing.assert_array_equal(np.asarray(found), np.asarray(Image.open(io.BytesIO(sheet))))


@pytest.mark.parametrize(
    ("wanted", "n", "fits"),
    [
        (Representation(PNG), 10, True),
        (Representation(PNG), 16, True),  # 112 x 112
        (Representation(PNG), 17, False),
        (Representation(PNG, Look(scale=4)), 1, True),
        (Representation(PNG, Look(scale=5)), 1, False),
        (Representation(WEBP, sequence=True), 17, False),
        (Representation(JSON, Look(scale=64)), 1000, True),
        (Representation(NDJSON, Look(scale=64)), 1000, True),
        (Representation(ZIP), 17, False),
    ],
)
def test_what_is_too_large_is_refused(manifest: Manifest, wanted: Representation, n: int, fits: bool) -> None:
    if fits:
        representation.check_size(wanted, n, manifest.image, 112 * 112)
    else:
        with pytest.raises(InvalidValueError, match="scale: expected what makes at most 12544 pixels in all"):
            representation.check_size(wanted, n, manifest.image, 112 * 112)


def test_a_side_longer_than_the_format_knows_is_refused(manifest: Manifest) -> None:
    wanted = Representation(WEBP, Look(columns=600))
    with pytest.raises(InvalidValueError, match="scale: expected a scale that makes no side longer"):
        representation.check_size(wanted, 600, manifest.image, 10**9)


def test_frames_of_an_animation_are_numbered_one_after_another(manifest: Manifest) -> None:
    content = writers.write(Representation(APNG, sequence=True), manifest, FIVE, {})
    # Of a frame's head, and of its pixels but for the first, whose are the still picture's.
    found = re.findall(rb"(?:fcTL|fdAT)(.{4})", content, re.DOTALL)
    assert [int.from_bytes(number, "big") for number in found] == list(range(9))
