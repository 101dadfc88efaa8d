from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pytest

from service.server.openapi_export import write_schema

ROOT = pathlib.Path(__file__).parents[3]
FILE = ROOT / "openapi.json"


@pytest.fixture(scope="module")
def schema() -> str:
    return write_schema()


def test_the_file_is_what_the_service_says(schema: str) -> None:
    same = FILE.read_text() == schema
    assert same, "openapi.json is not the API's schema; run `make openapi` and commit the file"


@pytest.mark.slow(alone=False)
def test_neither_settings_nor_models_nor_hashes_change_it(schema: str, tmp_path: pathlib.Path) -> None:
    set_otherwise = {
        "CVAE_MODELS_DIR": "/nowhere",
        "CVAE_MAX_REQUEST_ROWS": "3",
        "CVAE_PORT": "no number",
        "PYTHONHASHSEED": "7",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "service.server.openapi_export"]
    environment = {**os.environ, **set_otherwise}
    found = subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
    assert found.stdout == schema


def test_it_is_json_to_read_line_by_line(schema: str) -> None:
    assert schema.endswith("}\n")
    assert json.loads(schema)["openapi"].startswith("3.1")
    assert "[0.5, -1.0]" in schema
