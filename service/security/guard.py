"""The guard: a short list of checks that each request passes, or is refused by, before its body is read.

Invariant: a request is asked about once, whether it comes by the fast path, through ASGI, or by the first and
then the second.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, MutableMapping, Sequence
from typing import Any, NamedTuple

from starlette._utils import get_route_path

from service.http.header_fields import scope_fields
from service.http.problems import Fault
from service.security.callers import name_caller

Fields = list[tuple[bytes, bytes]]
Edit = Callable[[Fields], None]


class Refusal(NamedTuple):
    """Why a request is not let in.

    Attributes:
        status: The HTTP status.
        detail: One sentence for the client. It never holds what the client sent: that may be a key.
        reason: The word that `cvae_refusals_total` counts it under.
        headers: Header fields of the answer.
        faults: What is wrong with which part of the request.
    """

    status: int
    detail: str
    reason: str
    headers: dict[str, str] | None = None
    faults: Sequence[Fault] = ()


Pending = Callable[[str], Coroutine[Any, Any, Refusal | None]]


class Visit:
    """A request that asks to be let in: what checks look at, and what they find out.

    Attributes:
        scope: The ASGI scope, with the method GET in place of HEAD. A trusted proxy's word on the client is
            in it already.
        path: The path as the routes see it: decoded, without the root path.
        fields: The header fields by name, all lines of a name joined by commas.
        client: Whom limits count for: `key:` and a key's name once a check knows it; before that, the
            address as `name_caller` gives it, or "" where there is none.
        refusal: Why it is not let in, once the guard was asked.
        pending: What the request is to wait for before it is let in: asked with `client`, returns why not.
    """

    __slots__ = ("_edits", "client", "fields", "path", "pending", "refusal", "scope")

    def __init__(self, scope: MutableMapping[str, Any]) -> None:
        self.scope = scope
        self.path = get_route_path(scope) if scope.get("root_path") else scope["path"]
        self.fields = scope_fields(scope)
        address = scope.get("client")
        self.client: str = name_caller(address[0]) if address else ""
        self.refusal: Refusal | None = None
        self.pending: Pending | None = None
        self._edits: list[Edit] = []

    async def settle(self) -> Refusal | None:
        """Wait for what is pending, once; return why the request is not let in, or None."""
        pending, self.pending = self.pending, None
        if pending is not None:
            self.refusal = await pending(self.client)
        return self.refusal

    def edit_answer(self, edit: Edit) -> None:
        """Have a function change the header fields of the answer, whatever the answer will be."""
        self._edits.append(edit)

    def finish(self, fields: Fields) -> None:
        """Change the header fields of the answer as the checks asked for."""
        for edit in self._edits:
            edit(fields)


Check = Callable[[Visit], Refusal | None]
Job = Callable[[], Coroutine[Any, Any, None]]


class Guard:
    """Decides who is let in.

    Attributes:
        checks: Asked in this order until one refuses. None may wait for anything, but have the request do so
            (`Visit.pending`); those that know who asks come first.
        jobs: What keeps them right, for the event loop to run as long as the service does.
    """

    def __init__(self, checks: Sequence[Check], jobs: Sequence[Job] = ()) -> None:
        self.checks, self.jobs = tuple(checks), tuple(jobs)

    def ask(self, visit: Visit) -> Refusal | None:
        """Return why a request is refused, or None if it is let in."""
        for check in self.checks:
            visit.refusal = check(visit)
            if visit.refusal is not None:
                return visit.refusal
        return None
