"""That the compose file passes on what the pages say one may set."""

from __future__ import annotations

import pathlib
import re
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from service.core.settings import Settings

ROOT = pathlib.Path(__file__).parents[2]
# What stands elsewhere in the file, or is set by the image.
ELSEWHERE = {"CVAE_HOST", "CVAE_PORT", "CVAE_MODELS_DIR", "CVAE_PROVIDER"}


@pytest.fixture(scope="module")
def passed() -> set[str]:
    services: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return set(services["cvae"]["environment"])


def test_every_setting_is_passed_on(passed: set[str]) -> None:
    assert {f"CVAE_{name.upper()}" for name in Settings.model_fields} - passed == ELSEWHERE


def test_every_variable_of_opentelemetry_s_that_the_page_names_is_passed_on(passed: set[str]) -> None:
    rows = re.findall(r"^\| (`OTEL_.*?) \|", (ROOT / "docs" / "observability.md").read_text(), re.MULTILINE)
    named: set[str] = set()
    for row in rows:
        first, *others = (name.partition("=")[0] for name in re.findall(r"`([^`]+)`", row))
        stem = re.sub(r"_[A-Z]+$", "", first)
        named |= {first, *(name if name.startswith("OTEL_") else stem + name for name in others)}
    assert len(named) > 15
    assert {name for name in passed if name.startswith("OTEL_")} == named
