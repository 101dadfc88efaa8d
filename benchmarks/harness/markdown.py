"""Writes results as Markdown: tables, and a page's head with the machine and the date."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.harness.machine import describe_machine


def describe(title: str, text: str) -> str:
    """Return a page's head.

    Args:
        title: Of the page.
        text: What was done, in a sentence or more.

    Returns:
        The title, then the machine, the date and the text.
    """
    machine = describe_machine()
    where = f"{machine['cpu']}, {machine['cores']} cores, Python {machine['python']}, {machine['date']}"
    return f"# {title}\n\n{where}. {text}\n"


def tabulate(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a table, a line for its head, one below it and one for each row."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)
