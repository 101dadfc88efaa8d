"""The options that say where a result goes, in which format, and whether it is shown."""

from __future__ import annotations

import dataclasses
import sys

import click

from service.cli.options import Decorator, gather, option

TEXT_FORMATS = ("json", "ndjson")
PICTURE_FORMATS = ("png", "webp", "gif", "apng")
PROTOCOLS = ("kitty", "iterm2", "sixel", "blocks")


@dataclasses.dataclass(frozen=True)
class Output:
    """The file and the format of a result.

    Attributes:
        path: Of the file; None or "-": stdout.
        format: One of `FORMATS`.
        show: How the picture is shown in the terminal; "auto": as that can; None: it is not.
    """

    path: str | None
    format: str
    show: str | None = None


def output(*formats: str) -> Decorator:
    """Add the options of an `Output`, passed to the command as `output`.

    Args:
        *formats: Those that the command can write, JSON among them, which is the default.
    """

    def make(
        path: str | None,
        format: str | None,  # noqa: A002
        show: bool = False,
        show_as: str | None = None,
    ) -> Output:
        shown = show_as or ("auto" if show else None)
        chosen = Output(path, format or _read_suffix(path, formats) or ("png" if shown else "json"), shown)
        (_check_shown if shown else _refuse_terminal)(chosen)
        return chosen

    names = "|".join(formats)
    return gather(
        "output",
        make,
        **(_show() if "png" in formats else {}),
        path=option(
            "-o", "--output", "path", metavar="FILE", help=f"A file that ends in .{names}; - is stdout."
        ),
        format=option("--format", type=click.Choice(formats), help="Instead of what FILE ends in."),
    )


def _show() -> dict[str, Decorator]:
    return {
        "show": option("--show", is_flag=True, help="Show the picture in the terminal."),
        "show_as": option(
            "--show-as", type=click.Choice(PROTOCOLS), help="The same, by this protocol, to any stdout."
        ),
    }


def _check_shown(output: Output) -> None:
    if output.format not in PICTURE_FORMATS:
        raise click.UsageError(f"--show: expected a picture's format; received {output.format}")
    if output.path == "-":
        raise click.UsageError("expected one of --show and -o -, received both")
    if output.show == "auto" and (sys.stdout is None or not sys.stdout.isatty()):
        raise click.UsageError("--show: expected a terminal, or --show-as; stdout is none")


def _refuse_terminal(output: Output) -> None:
    is_stdout = output.path in (None, "-")
    if is_stdout and output.format not in TEXT_FORMATS and sys.stdout is not None and sys.stdout.isatty():
        raise click.UsageError(
            f"--format: expected -o FILE, or stdout redirected, for {output.format}; received a terminal"
        )


def _read_suffix(path: str | None, formats: tuple[str, ...]) -> str | None:
    if path in (None, "-"):
        return None
    _, _, suffix = str(path).rpartition(".")
    if suffix.lower() not in formats:
        names = ", ".join(f".{name}" for name in formats)
        raise click.UsageError(
            f"--output: expected a file that ends in {names}, or --format; received {path!r}"
        )
    return suffix.lower()
