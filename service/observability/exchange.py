"""What went to and fro for a request that is reported: the bytes of its bodies, and its answer's header.

Only where requests are logged or traced is there any of this in a request's scope.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from starlette.types import Message, Receive, Send

# The key under which a request's scope holds its exchange.
EXCHANGE = "cvae_exchange"
# The key under which it holds the name of the exception that made it fail.
FAILURE = "cvae_failure"
MODEL_FIELD = b"cvae-model"
Field = tuple[bytes, bytes]


@dataclasses.dataclass(eq=False, slots=True)
class Exchange:
    """A request and its answer, as far as they have come.

    Attributes:
        method: As the client wrote it, where a HEAD is answered as a GET.
        received_bytes: Of the request's body.
        sent_bytes: Of the answer's body.
        header: The answer's header fields.
        is_fast: Whether it did not come through ASGI, where the server's middleware would have written into
            the scope which client a proxy named.
        status: Of the answer; 0 before it has begun.
        reported: Whether it is in the log and among the traces, if it is to be.
    """

    method: str
    received_bytes: int = 0
    sent_bytes: int = 0
    header: Sequence[Field] = ()
    is_fast: bool = False
    status: int = 0
    reported: bool = False

    @property
    def model(self) -> str:
        """The model that answered, as `name@version`, or an empty text."""
        return next((value.decode() for name, value in self.header if name == MODEL_FIELD), "")

    def watch(self, receive: Receive, send: Send) -> tuple[Receive, Send]:
        """Return both functions of a request, which note what comes and goes."""

        async def receive_and_note() -> Message:
            message = await receive()
            self.received_bytes += len(message.get("body", b""))
            return message

        async def send_and_note(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.start":
                self.header, self.status = message.get("headers", ()), message["status"]
            elif self.method != "HEAD":
                self.sent_bytes += len(message.get("body", b""))

        return receive_and_note, send_and_note


def note_exchange(scope: Any, method: str, received: int, sent: int, header: Sequence[Field]) -> None:
    """Note an answer that was written at once, for `find_exchange`; cheaper than an `Exchange` is.

    Args:
        scope: Of a request that did not come through ASGI.
        method: Of the request.
        received: Bytes of its body.
        sent: Bytes of the answer's body.
        header: The answer's header fields.
    """
    scope[EXCHANGE] = method, received, sent, header, True


def find_exchange(scope: Any) -> Exchange:
    """Return the exchange of a request; one without an answer if the client went before there was one."""
    found = scope.get(EXCHANGE)
    if isinstance(found, tuple):
        return Exchange(*found)
    return Exchange(scope["method"], is_fast=True) if found is None else found
