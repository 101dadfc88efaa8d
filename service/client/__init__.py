"""The Python client of the service, blocking and for asyncio; it needs httpx, NumPy and Pillow alone."""

from service.client.asynchronous import AsyncClient
from service.client.blocking import Client
from service.client.errors import (
    BrokenAnswerError,
    BusyError,
    CvaeError,
    Fault,
    LateError,
    NoAnswerError,
    NotFoundError,
    RequestError,
    ServiceError,
    TimedOutError,
    UnavailableError,
    UnreachableError,
)
from service.client.files import Files, Urls
from service.client.looks import Look
from service.client.replies import (
    Answer,
    File,
    Frame,
    Latents,
    ModelDetails,
    ModelInfo,
    Neighbours,
    Pictures,
    Posterior,
    Reconstruction,
)
from service.client.request import Request
from service.client.retries import Retry

__all__ = [
    "Answer",
    "AsyncClient",
    "BrokenAnswerError",
    "BusyError",
    "Client",
    "CvaeError",
    "Fault",
    "File",
    "Files",
    "Frame",
    "LateError",
    "Latents",
    "Look",
    "ModelDetails",
    "ModelInfo",
    "Neighbours",
    "NoAnswerError",
    "NotFoundError",
    "Pictures",
    "Posterior",
    "Reconstruction",
    "Request",
    "RequestError",
    "Retry",
    "ServiceError",
    "TimedOutError",
    "UnavailableError",
    "UnreachableError",
    "Urls",
]
