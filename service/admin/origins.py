"""Refuse what pages of other sites have a browser send: it may reach a service that they do not.

Browsers say which page asks, and no page can change that; whatever is no browser says nothing.
"""

from __future__ import annotations

from fastapi import Request

from service.core.errors import ForeignOriginError
from service.http.dependencies import depend, get_registry
from service.http.header_fields import read_field

# What `Sec-Fetch-Site` says of pages of the service itself, and of a user who needs no page.
OWN = ("same-origin", "none")
# Settings that name no page: they let all read what anyone may have, which is less than to change it.
NOBODY = ("*", "null")


def refuse_foreign(request: Request) -> None:
    """Refuse a request of another origin's page, unless the settings name that origin.

    Raises:
        ForeignOriginError: `Sec-Fetch-Site` says so, or `Origin` where browsers leave that out.
    """
    origin, site = read_field(request, "Origin"), read_field(request, "Sec-Fetch-Site")
    named = get_registry(request).settings.cors_origins
    if origin is not None and origin in named and origin not in NOBODY:
        return
    if site is not None and site not in OWN:
        raise ForeignOriginError("Sec-Fetch-Site", " or ".join(OWN), site)
    host = read_field(request, "Host")
    # Without the scheme, which a proxy in front may have changed.
    if site is None and origin is not None and (host is None or origin.partition("://")[2] != host.lower()):
        raise ForeignOriginError("Origin", "the service's own, or one of CVAE_CORS_ORIGINS", origin)


FROM_HERE = depend(refuse_foreign)
