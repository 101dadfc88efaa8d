"""FastAPI's own cost: an endpoint that does nothing, and one that validates a JSON body and does nothing."""

from __future__ import annotations

from fastapi import FastAPI, Response
from pydantic import BaseModel

app = FastAPI()


class Vector(BaseModel):
    """The body of a request."""

    z: list[float]


@app.post("/empty")
async def empty() -> Response:
    """Answer nothing."""
    return Response()


@app.post("/body")
async def body(_vector: Vector) -> Response:
    """Read the body and answer nothing."""
    return Response()
