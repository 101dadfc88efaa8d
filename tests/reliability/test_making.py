"""What a service says at rest is held against the truth, before it becomes the reference of a load."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from tests.reliability.cases.case import Case
from tests.reliability.cases.drawing import PLAIN, check_rows
from tests.reliability.cases.uploads import check_posterior, draw_strokes
from tests.reliability.making import find_fault
from tests.reliability.truth import Floats, find_truth, to_levels
from tests.reliability.wire import Answer

ROWS = 20
REFERENCE = find_truth(PLAIN).reference


@pytest.fixture(scope="module")
def rows() -> Floats:
    return find_truth(PLAIN).space.sample(1, 1.0, ROWS)


def save(array: object) -> bytes:
    file = io.BytesIO()
    np.save(file, np.asarray(array))
    return file.getvalue()


def answer(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    fields = {"cvae-model": REFERENCE, "content-length": str(len(body)), **(headers or {})}
    return Answer(status, fields, body, closes=False)


def judge_npy(rows: Floats, found: Answer) -> str:
    return find_fault(Case("a case", "/", check=check_rows(PLAIN, rows, "npy")), found)


def test_the_right_pictures_are_right(rows: Floats) -> None:
    image = find_truth(PLAIN).decode(rows)
    assert judge_npy(rows, answer(save(image))) == ""
    assert judge_npy(rows, answer(save(to_levels(image)))) == ""


def test_a_short_answer_is_seen_however_consistent_it_is(rows: Floats) -> None:
    image = find_truth(PLAIN).decode(rows)
    fault = judge_npy(rows, answer(save(image[:-1])))
    assert fault == "ValueError: npy: expected shape (20, 28, 28), received (19, 28, 28)"


def test_rows_in_another_order_or_of_another_are_seen(rows: Floats) -> None:
    image = find_truth(PLAIN).decode(rows)
    assert "received a difference of" in judge_npy(rows, answer(save(image[::-1])))
    image[7] = image[8]
    assert "received a difference of" in judge_npy(rows, answer(save(image)))
    assert "received a difference of" in judge_npy(rows, answer(save(to_levels(image))))


def test_status_length_and_model_are_looked_at(rows: Floats) -> None:
    body = save(find_truth(PLAIN).decode(rows))
    assert "expected status 200, received 500" in judge_npy(rows, answer(body, 500))
    assert "expected 9 bytes" in judge_npy(rows, answer(body, headers={"content-length": "9"}))
    assert "CVAE-Model: expected" in judge_npy(rows, answer(body, headers={"cvae-model": "another@1"}))
    assert "Error" in judge_npy(rows, answer(body[:-1]))
    assert "expected nothing behind" in judge_npy(rows, answer(body + b"!"))


def write_png(levels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "PNG")
    return file.getvalue()


def test_a_sheet_that_lacks_a_picture_is_seen(rows: Floats) -> None:
    levels = to_levels(find_truth(PLAIN).decode(rows))
    case = Case("a case", "/", check=check_rows(PLAIN, rows, "png", {"columns": 4}))
    sheet = levels.reshape(5, 4, 28, 28).swapaxes(1, 2).reshape(5 * 28, 4 * 28)
    assert find_fault(case, answer(write_png(sheet))) == ""
    assert "expected shape (140, 112), received (112, 112)" in find_fault(
        case, answer(write_png(sheet[:112]))
    )
    black = sheet.copy()
    black[-28:, -28:] = 0
    assert "received a difference of" in find_fault(case, answer(write_png(black)))


def test_a_zip_that_lacks_a_picture_or_is_cut_is_seen(rows: Floats) -> None:
    levels = to_levels(find_truth(PLAIN).decode(rows))
    case = Case("a case", "/", check=check_rows(PLAIN, rows, "zip"))

    def pack(count: int) -> bytes:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            for i, each in enumerate(levels[:count]):
                archive.writestr(f"{i:02}.png", write_png(each))
        return file.getvalue()

    assert find_fault(case, answer(pack(ROWS))) == ""
    assert "received (19, 28, 28)" in find_fault(case, answer(pack(ROWS - 1)))
    assert find_fault(case, answer(pack(ROWS)[:-30]))


def test_lines_that_lack_one_are_seen(rows: Floats) -> None:
    image = find_truth(PLAIN).decode(rows)
    case = Case("a case", "/", check=check_rows(PLAIN, rows, "ndjson"))
    lines = [json.dumps({"index": i, "image": each.tolist()}) + "\n" for i, each in enumerate(image)]
    assert find_fault(case, answer("".join(lines).encode())) == ""
    assert "received (19, 28, 28)" in find_fault(case, answer("".join(lines[:-1]).encode()))
    assert "expected indices from 0 on" in find_fault(case, answer("".join(lines[1:]).encode()))


def test_a_posterior_that_lacks_one_or_names_others_is_seen() -> None:
    x = draw_strokes(3, 1).astype(np.float32) / np.float32(255)
    truth = find_truth(PLAIN)
    z_mean, z_log_var = truth.encode(x)
    near = [[{"distance": float(d)} for d in row] for row in truth.rank(z_mean, 5)]
    fields = {"z_mean": z_mean.tolist(), "z_log_var": z_log_var.tolist(), "neighbours": near}
    case = Case("a case", "/", check=check_posterior(PLAIN, x))
    assert find_fault(case, answer(json.dumps(fields).encode())) == ""
    for name in fields:
        assert f"{name}: expected" in find_fault(
            case, answer(json.dumps({**fields, name: fields[name][:2]}).encode())
        )
        swapped = [fields[name][1], fields[name][0], fields[name][2]]
        assert f"{name}: expected" in find_fault(case, answer(json.dumps({**fields, name: swapped}).encode()))
