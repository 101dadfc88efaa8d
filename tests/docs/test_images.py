"""The images' base: one tag everywhere, which whoever builds may replace by a digest."""

from __future__ import annotations

import pathlib
import re

import yaml  # type: ignore[import-untyped]

ROOT = pathlib.Path(__file__).parents[2]
BASE = "python:3.13-slim-trixie"


def test_all_images_are_built_on_one_base_that_an_argument_names() -> None:
    files = [ROOT / "Dockerfile", *sorted((ROOT / "docker").glob("*.Dockerfile"))]
    assert len(files) == 4
    for file in files:
        text = file.read_text()
        assert text.startswith(f"ARG PYTHON_IMAGE={BASE}\n"), file
        own = set(re.findall(r"^FROM \S+ AS (\S+)$", text, re.MULTILINE))
        assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) - own == {"${PYTHON_IMAGE}"}, file


def test_compose_passes_the_base_on() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    built = {
        name: service["build"]
        for name, service in services.items()
        if "dockerfile" in str(service.get("build"))
    }
    assert set(built) == {"cvae-gpu", "trainer"}
    for build in [services["cvae"]["build"], *built.values()]:
        assert build["args"] == {"PYTHON_IMAGE": f"${{PYTHON_IMAGE:-{BASE}}}"}
