from __future__ import annotations

import io
import pathlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps

from tests.training.noise import Pixels, encode, picture, write
from training.data import datasets
from training.data.folders import read_pictures
from training.data.idx import DataError


def some(labels: tuple[str, ...] = ("3", "8"), channels: int = 1) -> dict[str, bytes | Pixels]:
    """Six pictures a class to train on and two to test."""
    names = [f"{part}/{label}/{i}.png" for part, n in (("train", 6), ("test", 2)) for label in labels
             for i in range(n)]  # fmt: skip
    return {name: picture(seed, channels=channels) for seed, name in enumerate(names)}


def test_grey_pictures_have_one_channel_and_their_folders_labels(tmp_path: pathlib.Path) -> None:
    files = some()
    found = datasets.load(str(write(tmp_path / "some", files)))
    assert (found.name, found.shape, found.class_names) == ("some", (6, 8, 1), ())
    assert [len(split) for split in (found.train, found.validation, found.test)] == [11, 1, 4]
    assert found.train.label.tolist() == [3] * 6 + [8] * 5
    assert found.validation.label.tolist() == [8]
    assert np.array_equal(found.train.x[0, ..., 0], files["train/3/0.png"])
    eights = [files[f"train/8/{i}.png"] for i in range(6)]
    assert sum(np.array_equal(found.validation.x[0, ..., 0], eight) for eight in eights) == 1


def test_one_colour_picture_gives_all_three_channels(tmp_path: pathlib.Path) -> None:
    files = some()
    files["test/8/1.png"] = colour = picture(99, channels=3)
    found = datasets.load(str(write(tmp_path, files)))
    assert found.shape == (6, 8, 3)
    assert np.array_equal(found.test.x[3], colour)
    assert np.array_equal(found.test.x[0], np.repeat(np.asarray(files["test/3/0.png"])[..., None], 3, axis=2))


def test_names_are_numbered_in_their_order(tmp_path: pathlib.Path) -> None:
    found = datasets.load(str(write(tmp_path, some(("square", "circle", "Star")))))
    assert found.class_names == ("Star", "circle", "square")
    assert found.train.label.tolist() == [0] * 6 + [1] * 5 + [2] * 6


def test_an_accent_may_be_written_either_way(tmp_path: pathlib.Path) -> None:
    files = {
        name.replace("test/\u00e9", "test/e\u0301"): file for name, file in some(("\u00e9", "f")).items()
    }
    found = datasets.load(str(write(tmp_path, files)))
    assert found.class_names == ("f", "\u00e9")
    assert [np.bincount(part.label).tolist() for part in (found.train, found.test)] == [[6, 5], [2, 2]]


def test_test_pictures_come_in_turns_of_each_class(tmp_path: pathlib.Path) -> None:
    files = some(("a", "b", "c"))
    del files["test/b/1.png"]
    found = datasets.load(str(write(tmp_path, files)))
    assert found.test.label.tolist() == [0, 1, 2, 0, 2]
    assert np.array_equal(found.test.x[4, ..., 0], files["test/c/1.png"])


def test_the_digest_does_not_depend_on_the_order_of_writing(tmp_path: pathlib.Path) -> None:
    files = some()
    first = datasets.load(str(write(tmp_path / "first", files)))
    second = datasets.load(str(write(tmp_path / "second", dict(reversed(files.items())))))
    assert first.sha256 == second.sha256
    files["train/3/0.png"], files["train/3/1.png"] = files["train/3/1.png"], files["train/3/0.png"]
    assert datasets.load(str(write(tmp_path / "third", files))).sha256 != first.sha256


def test_hidden_files_are_no_part_of_the_set(tmp_path: pathlib.Path) -> None:
    write(tmp_path, {**some(), "train/.thumbs": b"x", "train/3/.thumbs": b"x", "train/.old/3": b"x"})
    assert len(datasets.load(str(tmp_path)).train) == 11


GREY = picture(0)
STORED: dict[str, tuple[str, bytes, Pixels]] = {
    "colour that is grey": ("0.png", encode(np.repeat(GREY[..., None], 3, axis=2)), GREY),
    "an upper-case name": ("0.PNG", encode(GREY), GREY),
    "16 bits": ("0.png", encode(Image.fromarray(GREY.astype(np.uint16) * 257)), GREY),
    "a palette": ("0.png", encode(Image.fromarray(GREY).convert("P")), GREY),
    "one bit": ("0.png", encode(Image.fromarray(GREY > 127)), (GREY > 127) * np.uint8(255)),
    "transparency": ("0.png", encode(Image.new("LA", (8, 6), (0, 0))), np.full_like(GREY, 255)),
    "JPEG": ("0.jpg", encode(np.full_like(GREY, 77), "JPEG"), np.full_like(GREY, 77)),
    "BMP": ("0.bmp", encode(GREY, "BMP"), GREY),
    "WebP": ("0.webp", encode(np.full_like(GREY, 77), "WEBP"), np.full_like(GREY, 77)),
    "JPEG of another ending": ("0.jpeg", encode(np.full_like(GREY, 77), "JPEG"), np.full_like(GREY, 77)),
}


@pytest.mark.parametrize("case", STORED)
def test_grey_is_grey_however_it_is_stored(case: str, tmp_path: pathlib.Path) -> None:
    name, content, expected = STORED[case]
    write(tmp_path, {**some(), f"test/0/{name}": content})
    found = read_pictures(tmp_path).arrays["x_test"]
    assert found.shape == (5, 6, 8, 1)
    assert np.array_equal(found[0, ..., 0], expected)


@pytest.mark.parametrize("mark", range(10))
def test_a_picture_is_turned_as_its_camera_says(mark: int, tmp_path: pathlib.Path) -> None:
    image = Image.fromarray(picture(1, *((8, 6) if 5 <= mark <= 8 else (6, 8))))
    image.getexif()[ExifTags.Base.Orientation] = mark
    file = io.BytesIO()
    image.save(file, "PNG", exif=image.getexif())
    write(tmp_path, {**some(), "test/0/0.png": file.getvalue()})
    found = read_pictures(tmp_path).arrays["x_test"][0, ..., 0]
    assert np.array_equal(found, np.asarray(ImageOps.exif_transpose(image)))


BROKEN: dict[str, tuple[str, bytes | Pixels, str]] = {
    "another size": ("train/8/3.png", picture(0, 8, 6), r"expected 8 x 6 pixels as .*0\.png, received 6 x 8"),
    "another size to test": ("test/3/9.png", picture(0, 6, 9), "expected 8 x 6 pixels .* received 9 x 6"),
    "nothing": ("train/3/0.png", b"", "expected a PNG, JPEG, WebP or BMP file, received something else"),
    "text": ("train/3/0.png", b"digits", "expected a PNG, JPEG, WebP or BMP file, received something else"),
    "another format": ("train/3/0.png", encode(GREY, "GIF"), "expected a PNG, JPEG, WebP or BMP file"),
    "truncated": ("test/8/1.png", encode(picture(0, 6, 8, 3))[:-40], "expected a whole PNG, JPEG, "),
    "a truncated JPEG": ("test/8/1.jpg", encode(GREY, "JPEG")[:-20], "expected a whole PNG, JPEG, "),
    "another ending": ("train/3/0.gif", encode(GREY, "GIF"), r"expected a \.png, \.jpg, .*, \.bmp file"),
    "a file beside the labels": ("train/0.png", GREY, "expected a folder named by a label"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_file_that_does_not_fit_is_named_with_its_fault(case: str, tmp_path: pathlib.Path) -> None:
    name, content, message = BROKEN[case]
    write(tmp_path, {**some(), name: content})
    with pytest.raises(DataError, match=message) as caught:
        datasets.load(str(tmp_path))
    assert str(caught.value).startswith(f"{tmp_path / name}: ")


def test_strays_are_named_and_passed_over(tmp_path: pathlib.Path) -> None:
    strays = ("train/Thumbs.db", "train/3/desktop.ini", "test/README.md", "test/8/notes.txt")
    found = datasets.load(str(write(tmp_path, {**some(), **dict.fromkeys(strays, b"x")})))
    assert set(found.passed_over) == {str(tmp_path / name) for name in strays}
    assert (len(found.train), len(found.test)) == (11, 4)


def test_a_folder_without_a_picture_is_no_class(tmp_path: pathlib.Path) -> None:
    folder = write(tmp_path, some(("bus", "tram")))
    for name in ("train/cart/1", "test/cart"):
        (folder / name).mkdir(parents=True)
    found = datasets.load(str(folder))
    assert (found.class_names, len(found.train), len(found.test)) == (("bus", "tram"), 11, 4)
    assert set(found.passed_over) == {str(folder / name) for name in ("train/cart", "test/cart")}


def test_pictures_further_down_are_of_the_class_that_they_lie_below(tmp_path: pathlib.Path) -> None:
    files = some(("a", "b"))
    files["train/b/more/still more/0.png"] = deep = picture(77)
    arrays = read_pictures(write(tmp_path, files)).arrays
    assert arrays["y_train"].tolist() == [0] * 6 + [1] * 7
    assert np.array_equal(arrays["x_train"][12, ..., 0], deep)


def test_a_folder_of_class_folders_is_split_by_a_seed(tmp_path: pathlib.Path) -> None:
    files: dict[str, bytes | Pixels] = {f"{name}/{i}.png": picture(100 * j + i) for j, name in enumerate("ab")
                                        for i in range(24)}  # fmt: skip
    files["c/only.png"] = picture(999)
    first, second = (datasets.load(str(write(tmp_path / place, files))) for place in ("one", "two"))
    assert first.sha256 == second.sha256
    assert first.class_names == ("a", "b", "c")
    assert np.bincount(first.test.label).tolist() == [4, 4]
    together = np.concatenate([first.train.label, first.validation.label, first.test.label])
    assert np.bincount(together).tolist() == [24, 24, 1]
    seen = {image.tobytes() for split in (first.train, first.validation, first.test) for image in split.x}
    assert seen == {file.tobytes() for file in files.values() if not isinstance(file, bytes)}
    # Not the last ones of each folder.
    kept = {image.tobytes() for image in first.test.x}
    assert kept != {picture(100 * j + i).tobytes() for j in range(2) for i in range(20, 24)}


def test_pictures_of_many_sizes_are_brought_to_one_that_is_asked_for(tmp_path: pathlib.Path) -> None:
    files = some()
    wide = np.full((4, 16), 200, np.uint8)
    wide[1:3, 4:12] = 0
    write(tmp_path, {**files, "test/3/0.png": wide, "test/3/1.png": picture(5, channels=3)})
    with pytest.raises(DataError, match=r"received 16 x 4; --size 8x6 brings all to one"):
        datasets.load(str(tmp_path))
    found = datasets.load(str(tmp_path), (6, 8))
    assert found.shape == (6, 8, 3)
    placed = found.test.x[0]
    # 16 x 4 becomes 8 x 2 in the middle of 8 x 6; around it is the colour of its border.
    assert (placed[:2] == 200).all()
    assert (placed[4:] == 200).all()
    assert placed[2:4, 3:5].max() < 100
    assert np.array_equal(found.train.x[0, ..., 0], files["train/3/0.png"])


def test_a_size_is_of_folders_of_pictures_alone() -> None:
    with pytest.raises(DataError, match="--size: expected a folder of pictures, or Parquet, received mnist"):
        datasets.load("mnist", (6, 8))


LABELS: dict[str, tuple[Callable[[], dict[str, bytes | Pixels]], str]] = {
    "beyond 255": (lambda: some(("3", "256")), r"\[0, 255\] .*'256'"),
    "twice": (lambda: some(("07", "7")), "expected one folder a label, received '07' and '7'"),
    "of both kinds": (lambda: some(("3", "cat")), "all integers or all names, received '3' and 'cat'"),
    "to test but not to train": (
        lambda: {**some(("a", "b")), "test/c/0.png": GREY},
        r"test/c: expected a class of \['a', 'b'\]",
    ),
    "three times": (lambda: some(("07", "007")), "expected one folder a label, received '007' and '07'"),
    "twice, with the accent written otherwise": (
        lambda: some(("caf\u00e9", "cafe\u0301")),
        "expected one folder a label, received two of 'caf\u00e9', whose accents are written otherwise",
    ),
    "of one picture each": (
        lambda: {"3/0.png": GREY, "4/0.png": GREY},
        "expected a class of at least two pictures, received one of each",
    ),
    "none to train": (lambda: {"test/3/0.png": GREY}, "train: expected this folder beside test"),
    "two that train": (
        lambda: {**some(), "Training/3/0.png": GREY},
        r"expected one folder for train, received \['Training', 'train'\]",
    ),
    "in a folder around all": (
        lambda: {f"set/{name}": content for name, content in some().items()},
        "received set, which is parted again: name it if it is the whole set",
    ),
    "in a folder around one half": (
        lambda: {f"set/train/{name}/{i}.png": picture(i) for name in "ab" for i in range(12)},
        "received set, which is parted again",
    ),
    "parted below its classes": (
        lambda: {
            f"{name}/{part}/{i}.png": picture(i)
            for name in "ab"
            for part in ("train", "test")
            for i in range(9)
        },
        "received a, which is parted again: .* else part the set above its classes",
    ),
    "that cannot be printed": (
        lambda: {f"{name}/{i}.png": picture(i) for name in ("a", "caf\udce9") for i in range(9)},
        "expected a label that can be printed, received 'caf",
    ),
}


@pytest.mark.parametrize("case", LABELS)
def test_labels_that_do_not_fit_are_named(case: str, tmp_path: pathlib.Path) -> None:
    make, message = LABELS[case]
    with pytest.raises(DataError, match=message):
        datasets.load(str(write(tmp_path, make())))


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("Train", "TEST"),
        ("training", "testing"),
        ("train", "val"),
        ("train", "Validation"),
        ("training_set", "test_set"),
        ("seg_train", "seg_test"),
        ("Train Set", "Test Set"),
        ("trainset", "testset"),
        ("train2017", "val2017"),
    ],
)
def test_the_two_halves_have_the_names_that_people_give_them(
    train: str, test: str, tmp_path: pathlib.Path
) -> None:
    files = {
        name.replace("train/", f"{train}/").replace("test/", f"{test}/"): content
        for name, content in some().items()
    }
    usual, found = (
        datasets.load(str(write(tmp_path / place, each)))
        for place, each in (("usual", some()), ("found", files))
    )
    assert found.sha256 == usual.sha256


def test_folders_that_are_for_nothing_are_named_and_passed_over(tmp_path: pathlib.Path) -> None:
    write(tmp_path, {**some(), "val/3/0.png": picture(1), "extra/3/0.png": picture(2), "notes.txt": b"x"})
    found = datasets.load(str(tmp_path))
    assert set(found.passed_over) == {str(tmp_path / name) for name in ("val", "extra", "notes.txt")}
    assert (len(found.train), len(found.test)) == (11, 4)


def test_a_set_without_a_test_half_is_split(tmp_path: pathlib.Path) -> None:
    flat = {f"{name}/{i}.png": picture(100 * j + i) for j, name in enumerate("ab") for i in range(12)}
    expected = datasets.load(str(write(tmp_path / "flat", {**flat})))
    found = datasets.load(str(write(tmp_path / "half", {f"train/{name}": x for name, x in flat.items()})))
    assert found.sha256 == expected.sha256


@pytest.mark.parametrize("other", ["docs", "@eaDir", "dev/a", "unlabelled"])
def test_a_folder_beside_the_half_that_trains_is_no_class(other: str, tmp_path: pathlib.Path) -> None:
    write(tmp_path, {f"train/{name}/{i}.png": picture(i) for name in "ab" for i in range(12)})
    write(tmp_path, {f"{other}/{i}.png": picture(i) for i in range(12)})
    found = datasets.load(str(tmp_path))
    assert found.class_names == ("a", "b")
    assert found.passed_over == (str(tmp_path / other.partition("/")[0]),)


def test_of_two_folders_to_validate_with_beside_one_to_test_both_are_passed_over(
    tmp_path: pathlib.Path,
) -> None:
    write(tmp_path, {**some(), "val/3/0.png": picture(1), "validation/3/0.png": picture(2)})
    assert len(datasets.load(str(tmp_path)).passed_over) == 2
    for path in sorted((tmp_path / "test").rglob("*.png")):
        path.unlink()
    (tmp_path / "test" / "3").rmdir()
    (tmp_path / "test" / "8").rmdir()
    (tmp_path / "test").rmdir()
    with pytest.raises(
        DataError, match=r"expected one folder for validation, received \['val', 'validation'\]"
    ):
        datasets.load(str(tmp_path))


def test_a_link_to_nothing_is_no_half(tmp_path: pathlib.Path) -> None:
    write(tmp_path, {f"train/{name}/{i}.png": picture(i) for name in "ab" for i in range(12)})
    (tmp_path / "test").symlink_to(tmp_path / "nowhere")
    with pytest.raises(DataError, match="test: expected a folder, received a link to nothing"):
        datasets.load(str(tmp_path))


def test_a_class_may_be_called_train(tmp_path: pathlib.Path) -> None:
    files = {
        f"{name}/{i}.png": picture(100 * j + i) for j, name in enumerate(("bus", "train")) for i in range(12)
    }
    assert datasets.load(str(write(tmp_path, {**files}))).class_names == ("bus", "train")


def test_a_half_without_a_picture_is_named(tmp_path: pathlib.Path) -> None:
    (write(tmp_path, some()) / "train" / "3").rename(tmp_path / "kept")
    for path in (tmp_path / "train" / "8").iterdir():
        path.unlink()
    with pytest.raises(
        DataError, match="train: expected at least one picture in a folder named by its label"
    ):
        datasets.load(str(tmp_path))
