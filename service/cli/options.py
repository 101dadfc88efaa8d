"""Options that several commands share, gathered into the objects that commands work with."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable
from typing import Any, get_args

import click

from service.core import choices

FORMATS: tuple[str, ...] = get_args(choices.Format)
STILL_FORMATS: tuple[str, ...] = get_args(choices.Still)
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
        api_key: Of the service; None: that of `CVAE_API_KEY`, if there is one.
    """

    url: str | None
    bundle: str | None
    model: str | None
    timeout_s: float
    api_key: str | None = dataclasses.field(default=None, repr=False)


def source(command: Command) -> Command:
    """Add the options of a `Source`, passed to the command as `source`."""

    def make(
        url: str | None, bundle: str | None, model: str | None, timeout_s: float, api_key: str | None
    ) -> Source:
        if url and bundle:
            raise click.UsageError(EITHER_SOURCE)
        return Source(_complete_url(url), bundle, model, timeout_s, api_key)

    return gather(
        "source",
        make,
        url=option("--url", metavar="URL", help="Ask this service, such as localhost:8000."),
        bundle=option("--bundle", metavar="FOLDER", help="Run this bundle here; no service is needed."),
        model=option("--model", metavar="NAME", help="Of the service, or of the folder CVAE_MODELS_DIR."),
        timeout_s=option(
            "--timeout-s", type=click.FloatRange(0, min_open=True), default=TIMEOUT_S, help="For all of it."
        ),
        api_key=option("--api-key", metavar="KEY", help="Of the service; better in CVAE_API_KEY."),
    )(command)


def look(command: Command) -> Command:
    """Add the render options; those given are passed to the command as the dict `look`."""
    return gather(
        "look",
        _keep_given,
        scale=option("--scale", type=click.IntRange(1, 64), help="Make each pixel so many a side."),
        resample=option(
            "--resample", type=click.Choice(get_args(choices.Resample)), help="Squares, or in between."
        ),
        invert=option("--invert", is_flag=True, default=None, help="Turn dark and light over."),
        padding=option("--padding", type=click.IntRange(0, 64), help="Pixels around each picture."),
        columns=option("--columns", type=click.IntRange(1), help="Pictures in a row of a sheet."),
        colormap=option(
            "--colormap", type=click.Choice(get_args(choices.Colormap)), help="Colours for levels of grey."
        ),
        metadata=option("--metadata", is_flag=True, default=None, help="Have the file say what made it."),
    )(command)


def motion(command: Command) -> Command:
    """Add the options of animations; those given are passed to the command as the dict `motion`."""
    return gather(
        "motion",
        _keep_given,
        duration_ms=option("--duration-ms", type=click.IntRange(20), help="Of a frame, in milliseconds."),
        loops=option("--loops", type=click.IntRange(0), help="How often it plays; 0 for ever."),
    )(command)


def files(command: Command) -> Command:
    """Add the argument of uploaded pictures, passed to the command as `paths`."""
    kind = click.Path(exists=True, dir_okay=False, allow_dash=True)
    return click.argument("paths", metavar="FILES...", nargs=-1, required=True, type=kind)(command)


def polarity(command: Command) -> Command:
    """Add the option of the polarity of uploaded pictures."""
    text = "Of the pictures; auto looks at each one's border."
    return option("--polarity", type=click.Choice(get_args(choices.Polarity)), default="auto", help=text)(
        command
    )


def seed(text: str) -> Decorator:
    """Add the option of a seed, with its help text."""
    return option("--seed", type=click.IntRange(0, choices.SEED_LIMIT - 1), help=text)


def temperature(command: Command) -> Command:
    """Add the option of the temperature of a draw."""
    text = "Scales the standard deviation; 0 gives the mean."
    return option("--temperature", type=click.FloatRange(0, 10), default=1.0, help=text)(command)


def dtype(command: Command) -> Command:
    """Add the option of the pixels' dtype."""
    text = "Of pixels in json, npy and ndjson: in [0, 1], or in [0, 255]."
    return option("--dtype", type=click.Choice(get_args(choices.Dtype)), default="float32", help=text)(
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


def option(*names: str, **settings: Any) -> Decorator:
    """Return `click.option`, whose help shows the default if there is one."""
    return click.option(*names, show_default=settings.get("default") is not None, **settings)


def gather(name: str, make: Callable[..., Any], **options: Decorator) -> Decorator:
    """Return the decorator that adds options, and passes one object that is made of them.

    Args:
        name: The argument of the command that takes the object.
        make: Called with the values of the options.
        **options: By the names of `make`'s arguments.
    """

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


def _keep_given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _complete_url(url: str | None) -> str | None:
    if url and "://" not in url:
        return f"http://{url}"
    if url is not None and not url.startswith(("http://", "https://")):
        raise click.UsageError(f"--url: expected one such as http://localhost:8000, received {url!r}")
    return url
