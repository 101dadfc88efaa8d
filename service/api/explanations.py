"""`Uploaded`, the pictures of a request; and where in its files they were found, as an answer says it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import BaseModel

from service.api.schemas.query import EncodeQuery, ReconstructQuery
from service.core.arrays import Floats
from service.imaging.input_pictures import InputPicture
from service.inference.engine import Engine
from service.inference.image_inputs import FilePicture

B = TypeVar("B", bound=BaseModel)


class Uploaded(NamedTuple, Generic[B]):
    """The pictures of a request.

    Attributes:
        engine: The engine of the model that it names.
        x: `(batch, height, width, channels)` float32 in [0, 1].
        body: The body, if it is JSON.
        files: Names and contents, if the pictures are files.
        pictures: How these were read.
    """

    engine: Engine
    x: Floats
    body: B | None = None
    files: Sequence[tuple[str, bytes]] = ()
    pictures: Sequence[FilePicture] = ()


def explain(pictures: Sequence[FilePicture], query: EncodeQuery | ReconstructQuery) -> dict[str, Any]:
    """Return the fields of an answer that say where its rows were found, if the query asks for them."""
    if not pictures or not (query.explain or query.figures == "all"):
        return {}
    fields: dict[str, Any] = {
        "file": [file for file, _ in pictures],
        "box": [picture.box for _, picture in pictures],
    }
    if query.explain:
        fields["explanation"] = [_explain(picture) for _, picture in pictures]
    return fields


def _explain(picture: InputPicture) -> dict[str, Any]:
    return {
        "placing": picture.placing,
        "polarity": picture.polarity,
        "threshold": picture.threshold,
        "found": picture.found,
        "ignored": picture.ignored,
    }
