"""Say what to install where a command needs more than the client and the command line do."""

from __future__ import annotations

INSTALL = "pip install 'cvae-service[serve]'"


def describe_missing(error: ModuleNotFoundError) -> str:
    """Return the line to print where a module of the service's needs is not installed.

    Raises:
        ModuleNotFoundError: The module is one of ours, which nothing would bring.
    """
    name = str(error.name).partition(".")[0]
    if name == "service":
        raise error
    return f"{name} is not installed: {INSTALL}"
