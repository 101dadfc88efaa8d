"""Where the guard stands: every request, by the fast path or through ASGI, enters by the dispatcher."""

from __future__ import annotations

import time
from collections.abc import Iterable, MutableMapping
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.http.dispatch import Answerer, Dispatcher, Unread
from service.http.error_handlers import count_refusal
from service.http.problems import problem
from service.observability.metrics import BEGUN, Observer
from service.observability.request_id import choose_id
from service.security.guard import Guard, Refusal, Visit

# The key under which a request's scope holds its visit.
VISIT = "cvae_visit"


class RefusedRoute(Unread):
    """In place of a request's route: answers why it is refused, and reads nothing."""

    def __init__(self, refusal: Refusal) -> None:
        self._refusal = refusal

    async def answer(self, request: Request) -> Response:
        """Return the error."""
        status, detail, reason, headers, faults = self._refusal
        count_refusal(request, reason)
        return problem(request, status, detail, [*faults], headers)


class WaitingRoute:
    """In front of a request's route: waits for what decides whether it is let in."""

    def __init__(self, route: Answerer, visit: Visit) -> None:
        self._route, self._visit = route, visit

    async def answer(self, request: Request) -> Response:
        """Return the route's answer, or the error."""
        refusal = await self._visit.settle()
        return await (self._route if refusal is None else RefusedRoute(refusal)).answer(request)


class WaitingMiddleware:
    """The same for the requests that the dispatcher leaves to FastAPI."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        refusal = await scope[VISIT].settle() if scope["type"] == "http" else None
        if refusal is None:
            await self.app(scope, receive, send)
            return
        response = await RefusedRoute(refusal).answer(Request(scope))
        await response(scope, receive, send)


class GuardedDispatcher(Dispatcher):
    """Answers the requests that a guard lets in, and refuses all others, also those of no direct route."""

    def __init__(self, api: FastAPI, routers: Iterable[APIRouter], metrics: Observer, guard: Guard) -> None:
        super().__init__(api, routers, metrics)
        self._guard = guard

    def enter(self, scope: MutableMapping[str, Any]) -> Answerer | None:
        """Return what answers a request; None if it is let in and FastAPI is to answer.

        Args:
            scope: As `Dispatcher.enter` takes it. If the fast path has left the request to ASGI, the guard
                has been asked already.
        """
        route = super().enter(scope)
        visit: Visit | None = scope.get(VISIT)
        if visit is None:
            visit = scope[VISIT] = Visit(scope)
            self._guard.ask(visit)
        if visit.refusal is None:
            return WaitingRoute(route, visit) if route is not None and visit.pending else route
        if route is None:
            scope.setdefault(BEGUN, time.perf_counter())
            scope.setdefault("state", {})["request_id"] = choose_id(scope)
        return RefusedRoute(visit.refusal)

    def _complete(self, scope: MutableMapping[str, Any], response: Response) -> None:
        super()._complete(scope, response)
        scope[VISIT].finish(response.raw_headers)


class VisitMiddleware:
    """Changes the header fields of answers that the dispatcher leaves to FastAPI, as the checks asked for."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_finished(message: Message) -> None:
            if message["type"] == "http.response.start":
                fields = [*message.get("headers", ())]
                scope[VISIT].finish(fields)
                message = {**message, "headers": fields}
            await send(message)

        await self.app(scope, receive, send_finished)
