"""Names of hosts looked up in a thread, which a deadline can leave behind: the system's call knows none."""

from __future__ import annotations

import concurrent.futures
import ipaddress
import socket
import threading

import httpcore


def find_addresses(host: str, port: int, timeout_s: float | None) -> list[str]:
    """Return the addresses of a host, in the order in which they are to be tried.

    Args:
        host: A name, or an address, which is returned as it is.
        port: What will be connected to.
        timeout_s: None: as long as the system takes.

    Raises:
        httpcore.ConnectTimeout: The name was not found in time.
        httpcore.ConnectError: There is no such name.
    """
    if timeout_s is None or _is_address(host):
        return [host]
    found: concurrent.futures.Future[list[str]] = concurrent.futures.Future()
    # A daemon, so that a program ends though a name server does not answer.
    threading.Thread(target=_look_up, args=(host, port, found), name="lookup", daemon=True).start()
    try:
        return found.result(timeout_s)
    except TimeoutError as error:
        raise httpcore.ConnectTimeout(f"the name {host} was not found in time") from error
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from error


def _look_up(host: str, port: int, found: concurrent.futures.Future[list[str]]) -> None:
    try:
        rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        found.set_result(list(dict.fromkeys(str(row[4][0]) for row in rows)))
    except Exception as error:
        found.set_exception(error)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
