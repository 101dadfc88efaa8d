from __future__ import annotations

import pytest

from service.http import caching
from service.inference.onnx_model import Runtime

RUNTIME = Runtime("CPUExecutionProvider", 1, 1, "1.0")
TAG = caching.make_tag(b"a")


def test_a_tag_depends_on_every_part_and_its_place() -> None:
    tags = {caching.make_tag(*parts) for parts in ((b"ab", b"c"), (b"a", b"bc"), (b"abc",), (b"c", b"ab"))}
    assert len(tags) == 4
    assert caching.make_tag(b"ab", b"c") in tags


def test_a_stamp_depends_on_the_version_and_what_it_runs_on() -> None:
    stamps = {
        caching.stamp("name", "0", RUNTIME),
        caching.stamp("name", "1", RUNTIME),
        caching.stamp("other", "0", RUNTIME),
        caching.stamp("name", "0", RUNTIME._replace(provider="CUDAExecutionProvider")),
        caching.stamp("name", "0", RUNTIME._replace(onnxruntime="2.0")),
    }
    assert len(stamps) == 5


@pytest.mark.parametrize(
    ("header", "fresh"),
    [
        (None, False),
        ("", False),
        (TAG, True),
        (f"W/{TAG}", True),
        (f' "x" ,{TAG}, "y"', True),
        ("*", True),
        ('"x"', False),
        (TAG.strip('"'), False),
    ],
)
def test_a_listed_tag_is_fresh(header: str | None, fresh: bool) -> None:
    assert caching.is_fresh(header, TAG) is fresh
