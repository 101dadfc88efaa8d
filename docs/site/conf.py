"""The settings of Sphinx, which makes a site of the README and the pages in docs/: `make docs`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from service import __version__

HERE = Path(__file__).parent

project = "CVAE service"
author = "the authors of CVAE service"
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "sphinxcontrib.openapi",
]
# The sources are the repository itself, so that links between pages are the same here and there.
root_doc = "README"
include_patterns = ["*.md", "docs/**.md", "models/*/README.md", "benchmarks/results/*.md"]
exclude_patterns = ["[.]*", "build", "clients", "runs", "tests", "docs/site/contents.md"]
myst_heading_anchors = 4
# Shell sessions and answers are shown as they are.
highlight_language = "none"

html_theme = "furo"
html_title = f"{project} {release}"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
# The README's page is not called index.html, which this leads on from.
html_extra_path = ["root"]

# Single backticks, in docstrings and in the API's descriptions, are code; `--url` keeps its dashes.
default_role = "code"
smartquotes = False
autodoc_member_order = "bysource"
napoleon_use_ivar = True
python_use_unqualified_type_names = True
# Models' cards and benchmarks are led to from pages; haproxy has no highlighting.
suppress_warnings = ["misc.highlighting_failure", "toc.not_included"]


def _add_contents(_app: Sphinx, page: str, text: list[str]) -> None:
    """Put the table of contents, which readers of the repository need not see, behind the README."""
    if page == root_doc:
        text[0] += (HERE / "contents.md").read_text("utf-8")


def _show_as_typed(_app: Sphinx, _context: Any, lines: list[str]) -> None:
    """Turn what a command's help has line by line, its examples, into a block of code."""
    typed = [line.removeprefix("| ") for line in lines if line.startswith("| ")]
    if typed:
        first = next(index for index, line in enumerate(lines) if line.startswith("| "))
        lines[first:] = [typed[0], "", "::", "", *(f"   {line.strip()}" for line in typed[1:]), ""]


def setup(app: Sphinx) -> None:
    """Connect what settings cannot say."""
    app.connect("source-read", _add_contents)
    app.connect("sphinx-click-process-description", _show_as_typed)
    app.connect("sphinx-click-process-epilog", _show_as_typed)
