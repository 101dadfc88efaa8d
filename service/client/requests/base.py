"""`Request`: a request that is not sent yet, and how to parse its response.

Every route is a pure function of its request, so any request may be sent again.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Generic, TypeVar

from service.client import parse
from service.client.errors import BrokenAnswerError
from service.client.parse import Read
from service.client.render_options import Look, Params, to_params
from service.client.results import File, Frame, ModelInfo
from service.client.serialize import Part
from service.core.choices import Format

T = TypeVar("T")
# A model's name, its `name@version`, or its `ModelInfo`, which stands for that version.
Model = str | ModelInfo | None


@dataclasses.dataclass(frozen=True)
class Request(Generic[T]):
    """A request and how to parse its response.

    Attributes:
        method: The HTTP method.
        path: Below the service's base URL.
        read: Parses the response.
        params: The query parameters.
        content: The body, or None.
        content_type: Of the body.
        parts: Of a multipart form, instead of a body.
        format: Of the response; None if the route has only one.
        suffixed: Whether the format is the path's suffix; if not, it is a query parameter.
        pictures: How many the response must hold; None: unknown.
        shown: How many pictures a file holds for each of them.
    """

    method: str
    path: str
    read: Read[T]
    params: Params = ()
    content: bytes | None = None
    content_type: str | None = None
    parts: tuple[Part, ...] = ()
    format: Format | None = None
    suffixed: bool = False
    pictures: int | None = None
    shown: int = 1

    def into(self, format: Format, look: Look) -> Request[File]:  # noqa: A002
        """Return the request for the same pictures as a file."""
        request = dataclasses.replace(self, format=format, params=self.params + to_params(**look))
        return request.as_file()

    def as_file(self) -> Request[File]:
        """Return the request whose result is the unparsed response."""
        pictures = self.pictures
        if pictures is not None and self.format == "zip":
            pictures *= self.shown
        read = parse.read_file(self.format, pictures)
        return dataclasses.replace(self, read=read)  # type: ignore[return-value, arg-type]

    def read_line(self, line: str, index: int) -> Frame:
        """Parse a line of the NDJSON response; see `parse.read_frame`."""
        dtype: Any = dict(self.params).get("dtype")
        return parse.read_frame(line, index, dtype)

    def check_end(self, frames: int) -> None:
        """Check at the end of a stream that all frames came.

        Raises:
            BrokenAnswerError: There were more or fewer.
        """
        if frames != self.pictures:
            raise BrokenAnswerError(f"expected {self.pictures} frames, received {frames}")

    @property
    def target(self) -> tuple[str, Params]:
        """The path and the query parameters, one of which holds the format."""
        if self.format is None:
            return self.path, self.params
        if self.suffixed:
            return f"{self.path}.{self.format}", self.params
        return self.path, (*self.params, ("format", self.format))


def to_name(model: Model) -> str | None:
    """Return the model's name as requests send it."""
    return model.reference if isinstance(model, ModelInfo) else model
