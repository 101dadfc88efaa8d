from __future__ import annotations

import functools
import json
import pathlib
import sys
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from tests.training import noise
from tests.training.noise import encode
from training.data import datasets
from training.data.idx import DataError

IMAGE = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
NAMES = ["cat", "dog", "owl"]
picture = functools.partial(noise.picture, channels=3)


def write(
    path: pathlib.Path, pictures: list[Any], labels: list[Any] | None, names: list[str] | None = None
) -> None:
    """Write a file as Hugging Face's `datasets` does; with names, its metadata says what the columns are."""
    structs = [
        {"bytes": x, "path": None}
        for x in (p if isinstance(p, bytes | None) else encode(p) for p in pictures)
    ]
    columns: dict[str, Any] = {"id": list(range(len(structs))), "image": pyarrow.array(structs, IMAGE)}
    if labels is not None:
        columns["label"] = labels
    table = pyarrow.table(columns)
    if names:
        features = {"image": {"_type": "Image"}, "label": {"names": names, "_type": "ClassLabel"}}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(table, path, row_group_size=7)


def write_set(folder: pathlib.Path, names: list[str] | None = NAMES) -> pathlib.Path:
    """24 pictures to train on, in two files, and 6 to test, sorted by label."""
    x = [picture(i) for i in range(30)]
    write(folder / "train-00000-of-00002.parquet", x[:10], [i % 3 for i in range(10)], names)
    write(folder / "train-00001-of-00002.parquet", x[10:24], [i % 3 for i in range(10, 24)], names)
    write(folder / "test-00000-of-00001.parquet", x[24:], [0, 0, 1, 1, 2, 2], names)
    return folder


def test_a_folder_of_parquet_files_has_its_pictures_labels_and_names(tmp_path: pathlib.Path) -> None:
    write_set(tmp_path / "animals" / "data")
    found = datasets.load(str(tmp_path / "animals"))
    assert (found.name, found.shape, found.class_names) == ("animals", (6, 8, 3), tuple(NAMES))
    assert (len(found.train), len(found.validation), len(found.test)) == (22, 2, 6)
    expected = {picture(i).tobytes(): i % 3 for i in range(24)}
    for split in (found.train, found.validation):
        for x, label in zip(split.x, split.label, strict=True):
            assert expected.pop(x.tobytes()) == label
    assert not expected


def test_test_pictures_come_in_turns_of_each_class(tmp_path: pathlib.Path) -> None:
    found = datasets.load(str(write_set(tmp_path)))
    assert found.test.label.tolist() == [0, 1, 2, 0, 1, 2]
    assert np.array_equal(found.test.x, [picture(i) for i in (24, 26, 28, 25, 27, 29)])


def test_integers_without_names_stay_labels(tmp_path: pathlib.Path) -> None:
    found = datasets.load(str(write_set(tmp_path, names=None)))
    assert (found.class_names, found.labels.tolist()) == ((), [0, 1, 2])


@pytest.mark.parametrize("labels", [["b", "a"] * 20, [7, 3] * 20])
def test_a_single_file_is_split_by_class(labels: list[Any], tmp_path: pathlib.Path) -> None:
    path = tmp_path / "all.parquet"
    write(path, [picture(i) for i in range(40)], labels)
    found = datasets.load(str(path))
    assert (found.name, found.class_names) == ("all", ("a", "b") if labels[0] == "b" else ())
    assert np.unique(found.test.label, return_counts=True)[1].tolist() == [4, 4]
    assert len({x.tobytes() for part in (found.train, found.validation, found.test) for x in part.x}) == 40
    assert datasets.load(str(path)).sha256 == found.sha256


def test_validation_is_the_test_split_where_there_is_no_other(tmp_path: pathlib.Path) -> None:
    write_set(tmp_path)
    (tmp_path / "test-00000-of-00001.parquet").rename(tmp_path / "validation-00000-of-00001.parquet")
    assert len(datasets.load(str(tmp_path)).test) == 6


def test_files_of_other_splits_are_named_and_passed_over(tmp_path: pathlib.Path) -> None:
    write_set(tmp_path)
    others = [tmp_path / "unsupervised-0.parquet", tmp_path / "validation-0.parquet"]
    for path in others:
        write(path, [picture(99)], [0], NAMES)
    found = datasets.load(str(tmp_path))
    assert set(found.passed_over) == set(map(str, others))
    assert len(found.test) == 6


@pytest.mark.parametrize("stray", ["metadata.parquet", "cat/metadata.parquet"])
@pytest.mark.parametrize("part", ["", "train"])
def test_a_stray_file_beside_folders_of_pictures_is_named_and_passed_over(
    part: str, stray: str, tmp_path: pathlib.Path
) -> None:
    parts = [tmp_path / part] if not part else [tmp_path / part, tmp_path / "test"]
    for i in range(48):
        file = parts[i % len(parts)] / NAMES[i // 2 % 2] / f"{i}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(encode(picture(i)))
    write(parts[0] / stray, [picture(99)] * 24, [0, 1] * 12)
    found = datasets.load(str(tmp_path))
    assert found.class_names == ("cat", "dog")
    assert found.passed_over == (str(parts[0] / stray),)


def test_a_stray_file_beside_idx_files_is_named_and_passed_over(tmp_path: pathlib.Path) -> None:
    for part, count in (("train", 24), ("t10k", 2)):
        header = bytes([0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 6, 0, 0, 0, 8])
        (tmp_path / f"{part}-images-idx3-ubyte").write_bytes(header + bytes(count * 48))
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(
            bytes([0, 0, 8, 1, 0, 0, 0, count, *[5] * count])
        )
    write(tmp_path / "more.parquet", [picture(99)] * 24, [0, 1] * 12)
    found = datasets.load(str(tmp_path))
    assert found.labels.tolist() == [5]
    assert found.passed_over == (str(tmp_path / "more.parquet"),)


def test_a_hidden_picture_does_not_hide_a_set(tmp_path: pathlib.Path) -> None:
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "preview.png").write_bytes(encode(picture(1)))
    assert len(datasets.load(str(write_set(tmp_path))).test) == 6


def test_folders_may_be_named_by_their_split(tmp_path: pathlib.Path) -> None:
    write_set(tmp_path)
    (tmp_path / "default" / "train").mkdir(parents=True)
    (tmp_path / "default" / "test").mkdir()
    (tmp_path / "train-00000-of-00002.parquet").rename(tmp_path / "default" / "train" / "0000.parquet")
    (tmp_path / "train-00001-of-00002.parquet").rename(tmp_path / "default" / "train" / "0001.parquet")
    (tmp_path / "test-00000-of-00001.parquet").rename(tmp_path / "default" / "test" / "0000.parquet")
    found = datasets.load(str(tmp_path))
    assert (len(found.train) + len(found.validation), len(found.test)) == (24, 6)


def test_pictures_are_grey_until_one_is_not(tmp_path: pathlib.Path) -> None:
    grey = [picture(i, channels=1) for i in range(13)]
    write(tmp_path / "train.parquet", grey, None)
    write(tmp_path / "test.parquet", grey[:2], None)
    assert datasets.load(str(tmp_path)).shape == (6, 8, 1)
    write(tmp_path / "train.parquet", [*grey, picture(50)], None)
    found = datasets.load(str(tmp_path))
    assert (found.shape, found.test.x.shape) == ((6, 8, 3), (2, 6, 8, 3))
    seen = {x.tobytes() for part in (found.train, found.validation) for x in part.x}
    assert seen == {np.repeat(x[..., None], 3, 2).tobytes() for x in grey} | {picture(50).tobytes()}


def test_pictures_may_be_a_column_of_bytes(tmp_path: pathlib.Path) -> None:
    table = pyarrow.table({"img": [encode(picture(i)) for i in range(18)], "fine_label": [5] * 18})
    pyarrow.parquet.write_table(table, tmp_path / "bytes.parquet")
    found = datasets.load(str(tmp_path / "bytes.parquet"))
    assert (len(found.test), found.labels.tolist()) == (3, [5])


def test_pictures_are_brought_to_a_size(tmp_path: pathlib.Path) -> None:
    write(tmp_path / "all.parquet", [picture(i, 6 + i % 2) for i in range(20)], None)
    assert datasets.load(str(tmp_path / "all.parquet"), (12, 10)).shape == (12, 10, 3)


@pytest.mark.parametrize(
    ("file", "pictures", "labels", "message"),
    [
        ("train", [picture(0), picture(1, 7)], [0, 0], "row 1: expected 8 x 6 pixels .* received 8 x 7"),
        ("train", [picture(0), None], [0, 0], "row 1: expected a picture's bytes, received NoneType"),
        ("train", [picture(0), b"GIF89a"], [0, 0], "row 1: expected a PNG, JPEG, WebP or BMP file"),
        ("train", [picture(0), encode(picture(1))[:-30]], [0, 0], "row 1: expected a whole PNG"),
        ("train", [picture(0)] * 2, [0, None], "row 1: expected an integer or a text .* received none"),
        ("train", [picture(0)] * 2, [[0, 1], [1]], "row 0: expected an integer or a text .* received list"),
        ("train", [], [], "expected at least one picture, received none"),
        ("test", [picture(0)], [256], r"y_test: expected labels in \[0, 255\], received 256 to 256"),
        ("test", [picture(0)], ["cat"], "expected labels of one kind, received int64 and <U3"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_with_its_fault(
    file: str, pictures: list[Any], labels: list[Any], message: str, tmp_path: pathlib.Path
) -> None:
    for part in ("train", "test"):
        write(tmp_path / f"{part}.parquet", [picture(i) for i in range(12)], [0] * 12)
    write(tmp_path / f"{file}.parquet", pictures, labels)
    with pytest.raises(DataError, match=message) as caught:
        datasets.load(str(tmp_path))
    assert str(tmp_path) in str(caught.value)


def test_files_that_cannot_be_used_are_named(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "some.parquet"
    path.write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"some\.parquet: expected a whole Parquet file"):
        datasets.load(str(path))
    pyarrow.parquet.write_table(pyarrow.table({"pixels": [1], "text": ["a"]}), path)
    with pytest.raises(DataError, match=r"expected a column image or img, received \['pixels', 'text'\]"):
        datasets.load(str(path))
    write(path, [picture(i) for i in range(40)], [0] * 40)
    content = bytearray(path.read_bytes())
    content[200:900] = bytes(700)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"some\.parquet: "):
        datasets.load(str(path))


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("mnist-train.parquet", "mnist-test.parquet"),
        ("Train.parquet", "Test.parquet"),
        ("digits_training-0.parquet", "digits_testing-0.parquet"),
        ("Train/0.parquet", "VAL/0.parquet"),
        ("train/data/0.parquet", "test/data/0.parquet"),
        ("train0/0.parquet", "testset/0.parquet"),
    ],
)
def test_the_word_in_a_name_says_what_a_file_is_for(train: str, test: str, tmp_path: pathlib.Path) -> None:
    write(tmp_path / train, [picture(i) for i in range(24)], [0, 1] * 12)
    write(tmp_path / test, [picture(i) for i in range(24, 30)], [0, 1] * 3)
    found = datasets.load(str(tmp_path))
    assert {x.tobytes() for x in found.test.x} == {picture(i).tobytes() for i in range(24, 30)}
    write(tmp_path / "trained.parquet", [picture(40)], [0])
    again = datasets.load(str(tmp_path))
    assert (again.sha256, again.passed_over) == (found.sha256, (str(tmp_path / "trained.parquet"),))
    write(tmp_path / "train-test.parquet", [picture(41)], [0])
    with pytest.raises(
        DataError, match=r"train-test.parquet: expected a name with one of \['test', 'train'\]"
    ):
        datasets.load(str(tmp_path))


def test_two_sets_whose_files_say_nothing_are_refused(tmp_path: pathlib.Path) -> None:
    for name in ("mnist", "fashion"):
        write(tmp_path / name / "0000.parquet", [picture(i) for i in range(24)], [0, 1] * 12)
    with pytest.raises(DataError, match=r"expected train files in one folder, received .*fashion.*mnist"):
        datasets.load(str(tmp_path))


def test_pictures_beside_a_set_are_named_with_it(tmp_path: pathlib.Path) -> None:
    write_set(tmp_path / "data")
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "preview.png").write_bytes(encode(picture(1)))
    with pytest.raises(
        DataError, match=r"received one of each; if .*00002\.parquet is the set, name it or its folder"
    ):
        datasets.load(str(tmp_path))


def test_labels_in_one_half_alone_are_refused(tmp_path: pathlib.Path) -> None:
    for part, labels in (("train", [0, 1] * 12), ("test", None)):
        write(tmp_path / f"{part}.parquet", [picture(i) for i in range(24)], labels)
    with pytest.raises(
        DataError, match="expected labels in all files or in none, received some in train alone"
    ):
        datasets.load(str(tmp_path))


def test_a_set_of_one_picture_a_class_is_refused(tmp_path: pathlib.Path) -> None:
    write(tmp_path / "all.parquet", [picture(i) for i in range(24)], list(range(24)))
    with pytest.raises(DataError, match="expected a class of at least two pictures, received one of each"):
        datasets.load(str(tmp_path))


def test_two_sets_in_one_folder_are_refused(tmp_path: pathlib.Path) -> None:
    for name in ("small", "large"):
        write_set(tmp_path / name)
    with pytest.raises(
        DataError, match=r"expected train files in one folder, received .*large.*small.*name one"
    ):
        datasets.load(str(tmp_path))


def test_class_names_that_differ_are_refused(tmp_path: pathlib.Path) -> None:
    write_set(tmp_path)
    write(tmp_path / "test-00000-of-00001.parquet", [picture(0)], [0], ["cat", "dog"])
    with pytest.raises(DataError, match="expected the same class names in all files"):
        datasets.load(str(tmp_path))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["cat", "dog"], "expected labels below 2, as there are class names, received 2"),
        (["cat", "dog", "cat"], r"expected class names that differ, received \['cat', 'dog', 'cat'\]"),
        (["cat", "", "owl"], "expected class names that differ"),
    ],
)
def test_class_names_that_do_not_fit_the_labels_are_refused(
    names: list[str], message: str, tmp_path: pathlib.Path
) -> None:
    with pytest.raises(DataError, match=message):
        datasets.load(str(write_set(tmp_path, names)))


def test_without_pyarrow_one_line_says_how_to_install_it(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_set(tmp_path)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(DataError, match=r"needs pyarrow: pip install 'cvae-service\[train,parquet\]'$"):
        datasets.load(str(tmp_path))
