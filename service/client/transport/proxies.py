"""Choose the proxy to a service: that of the environment, and none for this machine itself."""

from __future__ import annotations

import dataclasses
import importlib.util
import ipaddress
import urllib.request

import httpx

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

EXAMPLE = "http://proxy:3128"
PORTS = {"http": 80, "https": 443}
SCHEMES = ("http", "https", "socks5", "socks5h")


@dataclasses.dataclass(frozen=True)
class Route:
    """The route to a service; its text, for errors, has neither user names nor passwords.

    Attributes:
        url: The service's URL.
        proxy: To connect through, or None.
        variable: The environment variable that names the proxy.
    """

    url: httpx.URL
    proxy: httpx.Proxy | None = None
    variable: str = ""

    def __str__(self) -> str:
        """Return a text such as `http://service through the proxy http://proxy:3128 (of HTTP_PROXY; …)`."""
        service = _show(self.url)
        if self.proxy is None:
            return service
        hint = f"of {self.variable}; hosts in NO_PROXY are asked without"
        return f"{service} through the proxy {_show(self.proxy.url)} ({hint})"


def find_route(url: httpx.URL) -> Route:
    """Find the proxy that the environment names for a service.

    Args:
        url: The service's URL.

    Returns:
        The route through `HTTP_PROXY`, `HTTPS_PROXY` or `ALL_PROXY`; without a proxy if none is set, if the
        service is on this machine, or if `NO_PROXY` names its host, its domain or its network (`10.0.0.0/8`).

    Raises:
        ValueError: The variable holds no URL of a proxy, or one that httpx does not support.
    """
    named = urllib.request.getproxies()
    scheme = url.scheme if named.get(url.scheme) else "all"
    text = named.get(scheme)
    if not text or is_local(url.host) or _is_exempt(url, named.get("no", "")):
        return Route(url)
    variable = f"{scheme.upper()}_PROXY"
    return Route(url, _read_proxy(variable, text), variable)


def is_local(host: str) -> bool:
    """Return whether a host is this machine: localhost, 127.0.0.0/8, ::1, or an unspecified address."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = _read_address(host)
    return address is not None and (address.is_loopback or address.is_unspecified)


def _show(url: httpx.URL) -> str:
    return str(url.copy_with(username=None, password=None, query=None)).rstrip("/")


def _read_proxy(variable: str, text: str) -> httpx.Proxy:
    expected = f"{variable}: expected an address such as {EXAMPLE}"
    try:
        url = httpx.URL(text if "://" in text else f"http://{text}")
    except httpx.InvalidURL as error:
        raise ValueError(f"{expected}, received another text ({error})") from error
    if url.scheme not in SCHEMES or not url.host:
        raise ValueError(f"{expected}, received {_show(url)!r}")
    if url.scheme.startswith("socks") and importlib.util.find_spec("socksio") is None:
        raise ValueError(f"{expected}, or httpx[socks] installed, received {_show(url)!r}")
    return httpx.Proxy(url)


def _is_exempt(url: httpx.URL, no_proxy: str) -> bool:
    entries = [entry.strip() for entry in no_proxy.split(",")]
    address = _read_address(url.host)
    if "*" in entries or (address and any(_holds(entry, address) for entry in entries)):
        return True
    # urllib takes what follows the last colon of an IPv6 address for a port.
    port = url.port or PORTS.get(url.scheme)
    return ":" not in url.host and bool(urllib.request.proxy_bypass(f"{url.host}:{port}"))


def _read_address(host: str) -> Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _holds(entry: str, address: Address) -> bool:
    try:
        return address in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return False
