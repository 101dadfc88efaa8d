from __future__ import annotations

import io
import json
import pathlib
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from benchmarks.suites.uploads import __main__ as suite
from benchmarks.suites.uploads.reading import OWN_FILE, Count, count_right, read_conditions, write
from benchmarks.suites.uploads.scenes import SCENES
from service.imaging.input_pictures import Target, read_all_figures
from service.imaging.reading.decoding import decode

DIGITS = Target(28, 28, 1, 20)
GOLDEN = pathlib.Path(__file__).parents[3] / "models" / "mnist-16d" / "golden.npz"


def digit(place: int) -> Any:
    return (np.load(GOLDEN)["x"][place, ..., 0] * 255).astype(np.uint8)


@pytest.mark.slow
@pytest.mark.parametrize("scene", SCENES)
def test_the_digit_of_each_scene_is_found(scene: str) -> None:
    # Few digits, so that one that is hard to read does not decide: how many are read is the suite's to say.
    close = 0
    for place in range(3):
        content = write(SCENES[scene](digit(place), np.random.default_rng(place)))
        (picture,) = read_all_figures(decode(content, "body", 1_000_000), DIGITS, None, False)
        wanted = digit(place) / 255
        close += np.corrcoef(picture.x.ravel(), wanted.ravel())[0, 1] > 0.6
    assert close >= 2


def test_answers_are_counted_by_the_majority_of_other_neighbours() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        with Image.open(io.BytesIO(request.content)) as image:
            label = round(np.asarray(image.convert("L")).mean() / 20)
        if label == 9:
            return httpx.Response(422, json={})
        rows = [{"label": 3, "index": 5}] + [{"label": label, "index": i} for i in range(100, 115)]
        return httpx.Response(200, json={"neighbours": [rows], "explanation": [{"found": 0.5}]})

    conditions = {f"grey {n}": lambda d, _, n=n: np.full_like(d, 20 * n) for n in (4, 7, 9)}
    with httpx.Client(transport=httpx.MockTransport(answer), base_url="http://service") as client:
        own = np.full((28, 28), 80, np.uint8)
        counts = count_right(client, "m", {5: (own, 4), 6: (own, 4)}, conditions, 0)
    assert {name: (count.right, count.refused, count.all) for name, count in counts.items()} == {
        OWN_FILE: (2, 0, 2),
        "grey 4": (2, 0, 2),
        "grey 7": (0, 0, 2),
        "grey 9": (0, 2, 2),
    }
    table = suite.write_table([counts])
    assert "| grey 4 | 2 | 0 | 0.50 |" in table.splitlines()


def test_conditions_may_come_from_a_file(tmp_path: pathlib.Path) -> None:
    (tmp_path / "mine.py").write_text("CONDITIONS = {'as it is': lambda digit, rng: digit}\n")
    assert list(read_conditions(tmp_path / "mine.py")) == ["as it is"]
    assert read_conditions(None) is SCENES


def test_a_contact_sheet_shows_uploads_above_what_was_read() -> None:
    count = Count(sheet=[(Image.new("RGBA", (400, 400), "red"), Image.new("L", (28, 28), 255))] * 11)
    sheet = suite.draw_sheet(count)
    assert sheet.getpixel((5, 5)) == (255, 0, 0)
    assert sheet.getpixel((5, suite.UPLOAD[1] + 10)) == (255, 255, 255)
    assert sheet.height == 2 * (suite.UPLOAD[1] + suite.INPUT[1] + 8)


def test_an_older_service_is_asked_again_without_an_explanation() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        if "explain" in asked[-1]:
            return httpx.Response(422, content=json.dumps({"errors": [{"field": "explain"}]}))
        return httpx.Response(200, json={"neighbours": [[{"label": 4, "index": 1}]]})

    with httpx.Client(transport=httpx.MockTransport(answer), base_url="http://service") as client:
        counts = count_right(client, "m", {5: (np.zeros((28, 28), np.uint8), 4)}, {}, 0)
    assert counts[OWN_FILE].right == 1
    assert len(asked) == 2
