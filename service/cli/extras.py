"""Say what to install where a command needs more than the client and the command line do."""

from __future__ import annotations


def describe_missing(error: ModuleNotFoundError, extra: str = "serve") -> str:
    """Return the line to print where a module is not installed that an extra brings.

    Raises:
        ModuleNotFoundError: The module is one of ours, which nothing would bring.
    """
    name = str(error.name).partition(".")[0]
    if name == "service":
        raise error
    return f"{name} is not installed: pip install 'cvae-service[{extra}]'"
