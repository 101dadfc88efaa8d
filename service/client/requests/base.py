"""Owns `Request`: what is asked of the service and how to read its answer; nobody has sent it yet.

Every route is a pure function of its request, so all of them may be sent again.
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
# A model's name, its `name@version`, or what `models` says of it, which stands for that version.
Model = str | ModelInfo | None

NPY = "application/x-npy"
JSON = "application/json"


@dataclasses.dataclass(frozen=True)
class Request(Generic[T]):
    """A request and how to read its answer.

    Attributes:
        method: Of HTTP.
        path: Below the service's address.
        read: Reads the answer.
        params: Of the query.
        content: The body, or None.
        content_type: Of the body.
        parts: Of a form, instead of a body.
        format: That numbers come in; None if the route knows one alone.
        suffixed: Whether the format ends the path; if not, it is a query parameter.
        pictures: How many must come; None: that is not known.
        shown: How many a file to look at shows for each.
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
        """Gives the request for the same as a file of a format."""
        asked = dataclasses.replace(self, format=format, params=self.params + to_params(**look))
        return asked.as_file()

    def as_file(self) -> Request[File]:
        """Gives the request for the same answer, as it comes."""
        pictures = self.pictures
        if pictures is not None and self.format == "zip":
            pictures *= self.shown
        read = parse.read_file(self.format, pictures)
        return dataclasses.replace(self, read=read)  # type: ignore[return-value, arg-type]

    def read_line(self, line: str, index: int) -> Frame:
        """Reads a line of the same as NDJSON; see `readers.read_frame`."""
        dtype: Any = dict(self.params).get("dtype")
        return parse.read_frame(line, index, dtype)

    def check_end(self, frames: int) -> None:
        """Checks, at the end of a stream, that all frames came.

        Raises:
            BrokenAnswerError: Others did.
        """
        if frames != self.pictures:
            raise BrokenAnswerError(f"expected {self.pictures} frames, received {frames}")

    @property
    def target(self) -> tuple[str, Params]:
        """The path and the query, with the format in one of them."""
        if self.format is None:
            return self.path, self.params
        if self.suffixed:
            return f"{self.path}.{self.format}", self.params
        return self.path, (*self.params, ("format", self.format))


def to_name(model: Model) -> str | None:
    """Gives a model's name as requests have it."""
    return model.reference if isinstance(model, ModelInfo) else model
