"""`cvae decode`: vectors from arguments, files and pipes; pictures to files."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
from PIL import Image

from tests.service import fake
from tests.service.cli.commands import Cvae


def test_decode_gives_json(cvae: Cvae) -> None:
    fields = json.loads(cvae.check("decode", "0.5,-1.0", "-1.5,0.25"))
    z = np.array([[0.5, -1.0], [-1.5, 0.25]])
    np.testing.assert_allclose(fields["z"], z)
    np.testing.assert_allclose(fields["images"], fake.decode(z)[..., 0], atol=1e-6)
    assert fields["model"] == "fake"


def test_the_name_of_the_file_says_the_format(cvae: Cvae) -> None:
    for name, kind in (("a.png", "PNG"), ("a.WEBP", "WEBP")):
        assert cvae.check("decode", "0,1", "-1,0", "--scale", "2", "--padding", "1", "-o", name) == b""
        with Image.open(cvae.folder / name) as image:
            assert (image.format, image.size) == (kind, (118, 60))
    cvae.check("decode", "0,1", "-o", "a.npy", "--dtype", "uint8")
    assert np.load(cvae.folder / "a.npy").dtype == np.uint8
    cvae.check("sample", "-n", "3", "-o", "a.zip")
    assert zipfile.ZipFile(cvae.folder / "a.zip").namelist() == ["0.png", "1.png", "2.png"]
    cvae.check("decode", "0,1", "-o", "a.json")
    assert json.loads((cvae.folder / "a.json").read_text())["z"] == [[0, 1]]


def test_labels_are_one_or_one_a_vector(cvae: Cvae) -> None:
    arguments = ["decode", "0,1", "2,0", "--model", "labelled", "--format", "npy"]
    z = np.array([[0, 1], [2, 0]], np.float32)
    for labels in ([7, 7], [3, 9]):
        given = labels[:1] if labels[0] == labels[1] else labels
        content = cvae.check(*arguments, *(f"--label={label}" for label in given), "-o", "-")
        found = np.load(io.BytesIO(content))
        np.testing.assert_allclose(found, fake.decode(z, labels)[..., 0], atol=1e-6)


def test_pictures_go_through_pipes(cvae: Cvae) -> None:
    picture = cvae.check("decode", "0.5,-1.0", "--format", "png")
    posterior = cvae.check("encode", "-", "--polarity", "light-on-dark", "--neighbours", "1", given=picture)
    fields = json.loads(posterior)
    assert len(fields["neighbours"][0]) == 1
    again = json.loads(cvae.check("decode", "-", given=posterior))
    np.testing.assert_allclose(again["z"], fields["z_mean"])
    array = io.BytesIO()
    np.save(array, np.array([[1.0, 2.0]]))
    assert json.loads(cvae.check("decode", "-", given=array.getvalue()))["z"] == [[1, 2]]
