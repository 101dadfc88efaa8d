"""The Python client of the service, blocking and for asyncio; it needs httpx, NumPy and Pillow alone."""

from service.client.async_client import AsyncClient
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
from service.client.render_options import Look
from service.client.requests.base import Request
from service.client.results import (
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
from service.client.sync_client import Client
from service.client.transport.retry import Retry

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
