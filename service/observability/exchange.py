"""What went to and fro for a request that is reported: the bytes of its bodies, and its answer's header.

Only where requests are logged or traced is there any of this in a request's scope.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from starlette.responses import Response
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
        for name, value in self.header:  # a generator takes twice as long
            if name == MODEL_FIELD:
                return value.decode()
        return ""

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


def find_exchange(scope: Any) -> Exchange:
    """Return the exchange of a request; one without an answer if the client went before there was one.

    The fast path, for which an `Exchange` would cost too much, puts the request's body and the answer there.
    """
    found: Exchange | tuple[bytes, Response] | None = scope.get(EXCHANGE)
    if isinstance(found, Exchange):
        return found
    if found is None:
        return Exchange(scope["method"], is_fast=True)
    body, answer = scope.pop(EXCHANGE)  # a connection that rests would keep the answer
    return Exchange(scope["method"], len(body), len(answer.body), answer.raw_headers, True)
