"""Five generators read openapi.json without a warning, and what they make is typed, and works.

A program is written against what each of four makes: it gets a picture and numbers, and uploads the picture.
What it prints is compared with what the service says when it is asked directly.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import sys
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from tests.clients.tools import CLIENTS, GENERATED, NODE, OUT, PYTHON, ROOT, SCHEMA, run

Z = {"z": [0.5, -1.0]}
TYPESCRIPT = ("openapi-typescript", "hey-api", "orval")
GENERATORS: dict[str, Sequence[Any]] = {
    "openapi-typescript": (
        NODE / "openapi-typescript",
        SCHEMA,
        "--output",
        OUT / "openapi-typescript" / "schema.ts",
    ),
    "hey-api": (NODE / "openapi-ts", "--input", SCHEMA, "--output", OUT / "hey-api", "--no-log-file"),
    "orval": (
        NODE / "orval",
        *("--input", SCHEMA, "--output", OUT / "orval" / "api.ts", "--client", "axios-functions"),
    ),
    "openapi-python-client": (
        PYTHON / "openapi-python-client",
        *("generate", "--path", SCHEMA, "--config", GENERATED / "openapi-python-client.yaml"),
        *("--meta", "none", "--output-path", OUT / "python" / "cvae_service_client", "--fail-on-warning"),
    ),
    "datamodel-code-generator": (
        PYTHON / "datamodel-codegen",
        *("--input", SCHEMA, "--input-file-type", "openapi", "--output", OUT / "python" / "cvae_models.py"),
        *("--output-model-type", "pydantic_v2.BaseModel", "--formatters", "ruff-format"),
    ),
}


@pytest.fixture(scope="module", autouse=True)
def said() -> dict[str, str]:
    """What each generator says."""
    shutil.rmtree(OUT, ignore_errors=True)
    (OUT / "python").mkdir(parents=True)
    return {
        name: run(command, GENERATED, PYTHONWARNINGS="error::FutureWarning")
        for name, command in GENERATORS.items()
    }


@pytest.mark.parametrize("name", GENERATORS)
def test_it_warns_of_nothing(said: dict[str, str], name: str) -> None:
    assert "warn" not in said[name].lower(), said[name]
    assert "error" not in said[name].lower(), said[name]


def test_what_is_made_has_plain_names() -> None:
    package = OUT / "python" / "cvae_service_client"
    files = [path.stem for part in ("api", "models") for path in (package / part).rglob("*.py")]
    classes = re.findall(r"^class (\w+)", (OUT / "python" / "cvae_models.py").read_text(), re.MULTILINE)
    types = re.findall(
        r"^export (?:type|interface) (\w+)", (OUT / "orval" / "api.ts").read_text(), re.MULTILINE
    )
    assert min(map(len, (files, classes, types))) > 50
    odd = re.compile(r"Item.*Item|_ls$|[a-z]_?\d|^N\d")
    assert [name for name in (*files, *classes, *types) if odd.search(name)] == []


def test_the_programs_in_typescript_are_well_typed() -> None:
    run([NODE / "tsc", "--project", GENERATED / "tsconfig.json"])


@pytest.mark.parametrize("name", TYPESCRIPT)
def test_a_program_in_typescript_gets_what_the_service_has(
    service: httpx.Client, url: str, name: str
) -> None:
    script = OUT / f"{name}.mjs"
    bundle = ["--bundle", "--platform=node", "--format=esm", "--packages=external", f"--outfile={script}"]
    run([NODE / "esbuild", GENERATED / f"{name}.ts", *bundle, "--log-level=warning"])
    check(service, json.loads(run(["node", script], CVAE_URL=url)))


def test_a_program_in_python_is_well_typed_and_gets_what_the_service_has(
    service: httpx.Client, url: str
) -> None:
    program = GENERATED / "openapi_python_client.py"
    # Checked by the types of what is generated; how that is written is the generator's.
    options = [
        "--strict",
        "--follow-imports",
        "silent",
        "--config-file",
        "",
        "--cache-dir",
        str(OUT / "mypy"),
    ]
    options += ["--python-executable", str(PYTHON / "python"), str(program)]
    place = str(OUT / "python")
    run([sys.executable, "-m", "mypy", *options], GENERATED, MYPYPATH=place)
    check(service, json.loads(run([PYTHON / "python", program], CVAE_URL=url, PYTHONPATH=place)))


def test_the_models_of_pydantic_read_an_answer_and_write_a_request(service: httpx.Client) -> None:
    program = (
        "import sys, cvae_models as models; "
        "request = models.DecodeRequest(z=[0.5, -1.0]); "
        "assert request.model_dump(exclude_none=True, mode='json') == {'z': [0.5, -1.0]}; "
        "answer = models.PicturesAnswer.model_validate_json(sys.argv[1]); "
        "assert len(answer.images) == 1"
    )
    answer = service.post("/decode?format=json", json=Z).text
    run([PYTHON / "python", "-c", program, answer], PYTHONPATH=str(OUT / "python"))


def check(service: httpx.Client, found: dict[str, Any]) -> None:
    png = service.post("/decode", json=Z).content
    assert base64.b64decode(found["png"]) == png
    assert found["images"] == service.post("/decode?format=json", json=Z).json()["images"]
    encoded = service.post("/encode", content=png, headers={"content-type": "image/png"})
    assert found["z_mean"] == encoded.json()["z_mean"]


def test_the_lock_file_names_no_host() -> None:
    lock = json.loads((CLIENTS / "package-lock.json").read_text())
    places = [package.get("resolved", "") for package in lock["packages"].values()]
    assert not any("://" in place for place in places)
    assert "://" not in (ROOT / "locks" / "clients.txt").read_text()
