from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest

from scripts.licences import find_faults, list_licences, main

LOCK = """
one==1.0 \\
    --hash=sha256:00
two-three==2.0 ; sys_platform == 'win32' \\
    --hash=sha256:00
four==4.0 ; python_full_version < '3.12' \\
    --hash=sha256:00
four==4.1 ; python_full_version >= '3.12' \\
    --hash=sha256:00
"""
MIT = [{"license": {"id": "MIT"}}]
ONE = {"name": "One", "version": "1.0", "licenses": MIT}
FOUR = {"name": "four", "version": "4.1", "licenses": [{"expression": "MIT OR Apache-2.0"}]}


def test_what_is_whole_has_no_fault() -> None:
    assert list(find_faults([ONE, FOUR], LOCK)) == []


@pytest.mark.parametrize(
    ("components", "fault"),
    [
        ([FOUR], "one: expected version 1.0, found None"),
        ([{**ONE, "version": "1.1"}, FOUR], "one: expected version 1.0, found 1.1"),
        (
            [ONE, FOUR, {"name": "Two_Three", "version": "3", "licenses": MIT}],
            "two-three: expected version 2.0, found 3",
        ),
        ([ONE, {**FOUR, "version": "4.2"}], "four: expected version 4.0 or 4.1, found 4.2"),
        ([{**ONE, "licenses": []}, FOUR], "one: expected a licence, found none"),
    ],
)
def test_what_is_missing_is_named(components: list[dict[str, Any]], fault: str) -> None:
    assert list(find_faults(components, LOCK)) == [fault]


def test_licences_are_those_that_are_named() -> None:
    assert list_licences({**ONE, "licenses": [{"license": {"name": "BSD\n License"}}, *MIT]}) == [
        "BSD License",
        "MIT",
    ]
    assert list_licences({"name": "protobuf", "version": "7"}) == ["BSD-3-Clause"]


def test_the_table_is_printed_and_faults_fail(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sbom, lock = tmp_path / "sbom.json", tmp_path / "lock.txt"
    sbom.write_text(json.dumps({"components": [ONE, FOUR]}))
    lock.write_text(LOCK)
    assert main([str(sbom), str(lock)]) == 0
    assert "| four | 4.1 | MIT OR Apache-2.0 |\n" in capsys.readouterr().out
    sbom.write_text(json.dumps({"components": [FOUR]}))
    assert main([str(sbom), str(lock)]) == 1
    assert "one: expected version 1.0" in capsys.readouterr().err
