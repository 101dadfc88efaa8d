"""Options that several commands share, gathered into the objects that commands work with."""

from __future__ import annotations

import dataclasses
import functools
import re
import sys
from collections.abc import Callable
from typing import Any, get_args

import click

from service.core import choices

FORMATS: tuple[str, ...] = get_args(choices.Format)
STILL_FORMATS: tuple[str, ...] = get_args(choices.Still)
TEXT_FORMATS = ("json", "ndjson")
PICTURE_FORMATS = ("png", "webp", "gif", "apng")
PROTOCOLS = ("kitty", "iterm2", "sixel", "blocks")
TIMEOUT_S = 60.0
EITHER_SOURCE = "expected one of --url and --bundle, received both"

Command = Callable[..., Any]
Decorator = Callable[[Command], Command]


@dataclasses.dataclass(frozen=True)
class Source:
    """Where a model runs.

    Attributes:
        url: Of a service; None: run a bundle in this process.
        bundle: Folder of the bundle; None: `model` in the folder of the models.
        model: A name, `name@version`, or None for the default.
        timeout_s: Limit of the whole command.
    """

    url: str | None
    bundle: str | None
    model: str | None
    timeout_s: float


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


def source(command: Command) -> Command:
    """Add the options of a `Source`, passed to the command as `source`."""

    def make(url: str | None, bundle: str | None, model: str | None, timeout_s: float) -> Source:
        if url and bundle:
            raise click.UsageError(EITHER_SOURCE)
        return Source(_complete_url(url), bundle, model, timeout_s)

    return _gather(
        "source",
        make,
        url=_option("--url", metavar="URL", help="Ask this service, such as localhost:8000."),
        bundle=_option("--bundle", metavar="FOLDER", help="Run this bundle here; no service is needed."),
        model=_option("--model", metavar="NAME", help="Of the service, or of the folder CVAE_MODELS_DIR."),
        timeout_s=_option(
            "--timeout-s", type=click.FloatRange(0, min_open=True), default=TIMEOUT_S, help="For all of it."
        ),
    )(command)


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
    return _gather(
        "output",
        make,
        **(_show() if "png" in formats else {}),
        path=_option(
            "-o", "--output", "path", metavar="FILE", help=f"A file that ends in .{names}; - is stdout."
        ),
        format=_option("--format", type=click.Choice(formats), help="Instead of what FILE ends in."),
    )


def look(command: Command) -> Command:
    """Add the render options; those given are passed to the command as the dict `look`."""
    return _gather(
        "look",
        _keep_given,
        scale=_option("--scale", type=click.IntRange(1, 64), help="Make each pixel so many a side."),
        resample=_option(
            "--resample", type=click.Choice(get_args(choices.Resample)), help="Squares, or in between."
        ),
        invert=_option("--invert", is_flag=True, default=None, help="Turn dark and light over."),
        padding=_option("--padding", type=click.IntRange(0, 64), help="Pixels around each picture."),
        columns=_option("--columns", type=click.IntRange(1), help="Pictures in a row of a sheet."),
        colormap=_option(
            "--colormap", type=click.Choice(get_args(choices.Colormap)), help="Colours for levels of grey."
        ),
    )(command)


def motion(command: Command) -> Command:
    """Add the options of animations; those given are passed to the command as the dict `motion`."""
    return _gather(
        "motion",
        _keep_given,
        duration_ms=_option("--duration-ms", type=click.IntRange(20), help="Of a frame, in milliseconds."),
        loops=_option("--loops", type=click.IntRange(0), help="How often it plays; 0 for ever."),
    )(command)


def files(command: Command) -> Command:
    """Add the argument of uploaded pictures, passed to the command as `paths`."""
    kind = click.Path(exists=True, dir_okay=False, allow_dash=True)
    return click.argument("paths", metavar="FILES...", nargs=-1, required=True, type=kind)(command)


def polarity(command: Command) -> Command:
    """Add the option of the polarity of uploaded pictures."""
    text = "Of the pictures; auto looks at each one's border."
    return _option("--polarity", type=click.Choice(get_args(choices.Polarity)), default="auto", help=text)(
        command
    )


def seed(text: str) -> Decorator:
    """Add the option of a seed, with its help text."""
    return _option("--seed", type=click.IntRange(0, choices.SEED_LIMIT - 1), help=text)


def temperature(command: Command) -> Command:
    """Add the option of the temperature of a draw."""
    text = "Scales the standard deviation; 0 gives the mean."
    return _option("--temperature", type=click.FloatRange(0, 10), default=1.0, help=text)(command)


def dtype(command: Command) -> Command:
    """Add the option of the pixels' dtype."""
    text = "Of pixels in json, npy and ndjson: in [0, 1], or in [0, 255]."
    return _option("--dtype", type=click.Choice(get_args(choices.Dtype)), default="float32", help=text)(
        command
    )


def refuse_options(
    _context: click.Context, _parameter: click.Parameter, value: str | tuple[str, ...]
) -> str | tuple[str, ...]:
    """Refuse an argument that can only be a misspelt option; a vector may begin with a minus."""
    for text in (value,) if isinstance(value, str) else value:
        if re.match("--|-[a-zA-Z]", text):
            raise click.NoSuchOption(text)
    return value


def _option(*names: str, **settings: Any) -> Decorator:
    return click.option(*names, show_default=settings.get("default") is not None, **settings)


def _gather(name: str, make: Callable[..., Any], **options: Decorator) -> Decorator:
    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def gathered(*args: Any, **values: Any) -> Any:
            own = {option: values.pop(option) for option in options}
            return command(*args, **{name: make(**own)}, **values)

        made: Command = gathered
        for option in reversed(options.values()):
            made = option(made)
        return made

    return decorate


def _show() -> dict[str, Decorator]:
    return {
        "show": _option("--show", is_flag=True, help="Show the picture in the terminal."),
        "show_as": _option(
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


def _keep_given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _complete_url(url: str | None) -> str | None:
    if url and "://" not in url:
        return f"http://{url}"
    if url is not None and not url.startswith(("http://", "https://")):
        raise click.UsageError(f"--url: expected one such as http://localhost:8000, received {url!r}")
    return url


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
