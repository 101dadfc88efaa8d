"""What two linters of OpenAPI documents find wrong: nothing, by the rules of clients/*.yaml."""

from __future__ import annotations

import json
import re

from tests.clients.tools import CLIENTS, NODE, SCHEMA, run


def test_redocly_finds_nothing() -> None:
    said = run([NODE / "redocly", "lint", SCHEMA, "--format", "json", "--config", CLIENTS / "redocly.yaml"])
    report = json.loads(said[said.index("{") : said.rindex("}") + 1])
    assert report["totals"] == {"errors": 0, "warnings": 0, "ignored": 0}, report["problems"]


def test_spectral_finds_nothing() -> None:
    options = ["--format", "json", "--quiet", "--fail-severity", "hint"]
    rules = ["--ruleset", str(CLIENTS / "spectral.yaml")]
    assert json.loads(run([NODE / "spectral", "lint", SCHEMA, *options, *rules])) == []


def test_every_rule_that_is_off_says_why() -> None:
    for name in ("redocly.yaml", "spectral.yaml"):
        text = (CLIENTS / name).read_text()
        assert len(re.findall(r"^  # .+\n  \S+: off$", text, re.MULTILINE)) == text.count(": off") > 0
