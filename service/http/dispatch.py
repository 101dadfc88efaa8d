"""Find the direct route of a request by method and path, call it, and add what all answers have in common.

FastAPI would try its routes in turn, behind middleware of its own; direct routes it only describes.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Awaitable, Iterable, MutableMapping
from typing import Any, Protocol

from fastapi import APIRouter, FastAPI, Request, Response
from starlette._utils import get_route_path
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from service.core.headers import REQUEST_ID
from service.http.bodies.limits import Budget, HeldBodies
from service.http.direct_route import ARGUMENTS, DirectRoute
from service.http.error_handlers import answer_error
from service.http.middleware import complete_fields, take_head_as_get
from service.observability.metrics import BEGUN, Observer
from service.observability.reports import Reports
from service.observability.request_id import choose_id, log_failure

# How many paths are kept with their route, because they come again, and how long such a path may be.
KEPT, KEPT_CHARACTERS = 4096, 256
ID_FIELD = REQUEST_ID.lower().encode()

# A route, the parameters of the path as they came, and as the endpoint's arguments if they are valid.
Found = tuple[DirectRoute, dict[str, Any], dict[str, Any] | None]


class Answerer(Protocol):
    """What answers a request: its route, or what stands in its place."""

    def answer(self, request: Request) -> Awaitable[Response]:
        """Return the answer, to be awaited."""


class Unread:
    """An `Answerer` that reads nothing of a request, and so need not wait for its body."""


class Dispatcher:
    """Answers the requests of direct routes, whether they come through ASGI or the fast path.

    Attributes:
        metrics: Told of each answer.
    """

    def __init__(self, api: FastAPI, routers: Iterable[APIRouter], metrics: Observer) -> None:
        """Gather the direct routes.

        Args:
            api: The application that endpoints find in their requests.
            routers: The routers of all routes, in the order in which they are tried.
            metrics: Told of each answer.
        """
        self.metrics = metrics
        self._api = api
        routes = [route for router in routers for route in router.routes]
        self._routes = [route for route in routes if isinstance(route, DirectRoute)]
        self._find = functools.lru_cache(KEPT)(self._search)

    def enter(self, scope: MutableMapping[str, Any]) -> Answerer | None:
        """Return the direct route of a request, and put into its scope what endpoints look for there.

        Args:
            scope: The ASGI scope, with the method GET in place of HEAD.

        Returns:
            The route; None if there is none, and FastAPI is to answer.
        """
        scope["app"] = self._api
        path, method = get_route_path(scope) if scope.get("root_path") else scope["path"], scope["method"]
        found = (self._find if len(path) <= KEPT_CHARACTERS else self._search)(method, path)
        if found is None:
            return None
        route, parameters, arguments = found
        scope.setdefault(BEGUN, time.perf_counter())
        scope["route"] = route
        scope["path_params"], scope[ARGUMENTS] = dict(parameters), arguments
        scope.setdefault("state", {})["request_id"] = choose_id(scope)
        return route

    async def answer(self, route: Answerer, request: Request, budget: Budget | None = None) -> Response:
        """Return the answer to a request, whatever happens.

        Args:
            route: The route that `enter` found.
            request: The request of the scope that `enter` was given.
            budget: The budget of its body, if that is still to be read.

        Returns:
            The route's answer, or that of its error, with the header fields that all answers have.
        """
        try:
            if budget is not None:
                budget.check()
            response = await route.answer(request)
        except Exception as error:
            response = await answer_error(request, error)
        self._complete(request.scope, response)
        return response

    def _complete(self, scope: MutableMapping[str, Any], response: Response) -> None:
        fields = response.raw_headers
        complete_fields(scope, response.status_code, fields)
        fields.append((ID_FIELD, scope["state"]["request_id"].encode()))

    def _search(self, method: str, path: str) -> Found | None:
        scope = {"type": "http", "method": method, "path": path, "root_path": "", "path_params": {}}
        for route in self._routes:
            match, child = route.matches(scope)
            if match == Match.FULL:
                parameters = child["path_params"]
                return route, parameters, route.convert(parameters)
        return None


class DirectApplication:
    """The ASGI application of the direct routes; all other requests go to another application.

    Attributes:
        dispatcher: Answers the requests.
        bodies: The bodies of all requests that are being handled.
        reports: Told of each answer, and of what went to and fro; None where nobody asks for that.
    """

    def __init__(
        self, dispatcher: Dispatcher, bodies: HeldBodies, rest: ASGIApp, reports: Reports | None = None
    ) -> None:
        self.dispatcher = dispatcher
        self.reports = reports
        self.bodies = bodies
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._rest(scope, receive, send)
            return
        inner, inner_send = take_head_as_get(scope, send)
        route = self.dispatcher.enter(inner)
        if route is None:
            # With what the dispatcher has put into the scope, but the method that it came with.
            await self._rest({**inner, "method": scope["method"]}, receive, send)
            return
        body = self.bodies.open(inner, receive)
        try:
            request = Request(inner, body.receive, inner_send)
            budget = None if isinstance(route, Unread) else body.budget
            response = await self.dispatcher.answer(route, request, budget)
            await self.send(response, inner, body.receive, inner_send)
        finally:
            body.close()

    async def send(self, response: Response, scope: Scope, receive: Receive, send: Send) -> None:
        """Send an answer, and count it; one that fails midway is logged, and the server cuts it short."""
        status = response.status_code
        try:
            await response(scope, receive, send)
        except Exception as error:
            log_failure(scope, error)
        finally:
            self.dispatcher.metrics.observe(scope, status)
