from __future__ import annotations

import hashlib
import json
import pathlib
import re
from typing import Any

import pytest

from tests.training import small
from training.bundles import manifest
from training.bundles.manifest import BundleError, read_manifest, version_of, write_manifest
from training.data import datasets

ROOT = pathlib.Path(__file__).parents[3]
CONTENT: dict[str, Any] = {name: i for i, name in enumerate(manifest.VERSIONED)}


def test_the_version_is_the_digest_that_the_contract_describes() -> None:
    text = json.dumps(CONTENT, sort_keys=True, separators=(",", ":"))
    assert version_of({**CONTENT, "metrics": 1}) == hashlib.sha256(text.encode()).hexdigest()[:12]


def test_the_version_changes_with_what_can_change_an_answer_and_with_nothing_else() -> None:
    versions = {version_of({**CONTENT, name: "other"}) for name in manifest.VERSIONED}
    assert len(versions | {version_of(CONTENT)}) == len(manifest.VERSIONED) + 1
    assert version_of({**CONTENT, "created": "now", "version": "x"}) == version_of(CONTENT)


def test_the_versioned_fields_are_those_the_document_lists() -> None:
    text = (ROOT / "docs" / "bundle.md").read_text()
    sentence = text[text.index("of these fields of the manifest:") : text.index("Whatever can change")]
    assert tuple(re.findall(r"`(\w+)`", sentence)) == manifest.VERSIONED


def test_a_manifest_is_read_as_it_was_written_and_nothing_else_is_left(tmp_path: pathlib.Path) -> None:
    write_manifest(tmp_path, {"name": "old"})
    write_manifest(tmp_path, CONTENT)
    assert read_manifest(tmp_path) == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["model.json"]


@pytest.mark.parametrize("content", [None, b"", b"{", b"\xff\xfe"])
def test_a_manifest_that_cannot_be_read_is_named(content: bytes | None, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "model.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BundleError, match="expected a manifest") as caught:
        read_manifest(tmp_path)
    assert str(path) in str(caught.value)


def test_the_producers_are_named_with_versions() -> None:
    assert all(re.match(r"\d+\.\d+", version) for version in manifest.describe_producer().values())


def test_the_names_of_classes_are_kept_where_there_are_any() -> None:
    content = small.arrays()
    plain, named = (
        datasets.split("some", content, {name: name for name in content}, names) for names in ((), ("a", "b"))
    )
    entry = {"name": "some", "sha256": plain.sha256, "split": {"train": 220, "validation": 20, "test": 80}}
    entry["held_out"] = "stratified, seed 0"
    assert manifest.describe_dataset(plain) == entry
    assert manifest.describe_dataset(named) == {**entry, "class_names": ["a", "b"]}
