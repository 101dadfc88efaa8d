from __future__ import annotations

import pathlib
import unicodedata
from typing import Any, Literal

import pytest

from service.bundles.reader import read_bundle
from service.core.errors import InvalidValueError, NotFoundError
from service.latent.classes import Classes
from tests.service import fake

FLAT = {"z_mean": [0.0, 0.0], "covariance": [[1.0, 0.0], [0.0, 1.0]], "count": 1}
CLASSES = [{"label": label, **FLAT} for label in (0, 1, 2, 12)]
NAMES = ["disc", "square", "wide, flat"]


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Classes:
    return make(tmp_path_factory.mktemp("models"), class_names=NAMES)


def make(folder: pathlib.Path, **dataset: Any) -> Classes:
    fake.write_bundle(folder / "fake", classes=CLASSES, dataset={"name": "shapes", **dataset})
    return Classes(read_bundle(folder / "fake").manifest)


@pytest.mark.parametrize(
    ("phrase", "labels"),
    [
        (None, [0, 1, 2, 12]),
        ("2012", [2, 0, 1, 2]),
        ("square", [1]),
        (" square ", [1]),
        ("2, square,0", [2, 1, 0]),
        ("12,", [12]),
        ("12,1", [12, 1]),
        ("wide, flat", [2]),
        ([12, "square", "2", 0], [12, 1, 2, 0]),
    ],
)
def test_a_phrase_is_labels_and_names(classes: Classes, phrase: Any, labels: list[int]) -> None:
    assert classes.find_all("labels", classes.split(phrase)) == labels


@pytest.mark.parametrize(
    ("phrase", "says"),
    [
        ("", "labels: expected at least one label, received none"),
        ([], "labels: expected at least one label, received none"),
        ("0131", r"labels\[2\]: expected one of 0 disc, 1 square, 2 wide, flat, 12, received '3'"),
        ("0,circle", r"labels\[1\]: .*, received 'circle'"),
        ("0,,1", r"labels\[1\]: .*, received ''"),
        ([1, -1], r"labels\[1\]: .*, received -1"),
    ],
)
def test_what_means_no_class_is_refused(classes: Classes, phrase: Any, says: str) -> None:
    with pytest.raises(InvalidValueError, match=says):
        classes.find_all("labels", classes.split(phrase))


def test_a_label_goes_before_a_name(tmp_path: pathlib.Path) -> None:
    classes = make(tmp_path, class_names=["1", "0", "same", "other"])
    assert [classes.get(given) for given in ("0", 0, "1", "same", "other")] == [0, 0, 1, 2, None]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_an_accent_may_be_written_either_way(form: Literal["NFC", "NFD"], tmp_path: pathlib.Path) -> None:
    classes = make(tmp_path, class_names=["plain", unicodedata.normalize(form, "té, noir")])
    for given in ("t\u00e9, noir", "te\u0301, noir"):
        assert classes.get(given) == 1
        assert classes.find_all("labels", classes.split(given)) == [1]
        assert classes.find_all("labels", ["plain", given]) == [0, 1]
    assert classes.get("te, noir") is None


@pytest.mark.parametrize("names", [None, "disc", {"0": "disc"}, [1, None, ""]])
def test_names_that_are_none_are_left_out(tmp_path: pathlib.Path, names: Any) -> None:
    assert make(tmp_path, class_names=names).known == "0, 1, 2, 12"


def test_a_class_that_is_not_there_is_told_with_those_that_are(classes: Classes) -> None:
    says = r"digit: expected a class of fake \(0 disc, 1 square, 2 wide, flat, 12\), received 3"
    with pytest.raises(NotFoundError, match=says):
        classes.find("digit", 3)
