"""The aiohttp application: table of routes, middlewares, headers."""

from collections import defaultdict

from aiohttp import web

from deis_control.api.bodies import BODY_LIMIT
from deis_control.api.call import SERVICES
from deis_control.api.description import DESCRIPTION
from deis_control.api.dispatch import Path
from deis_control.api.gate import GATE, Gate, shed
from deis_control.api.headers import complete
from deis_control.api.middleware import answer_errors, check_version, log_request
from deis_control.api.openapi.served import description
from deis_control.api.permissions import Endpoint
from deis_control.api.routes import ROUTES
from deis_control.services.bundle import Services

AT_ONCE = 200
"""Requests that are worked on at the same time, unless a setting says otherwise."""


def make_app(services: Services, *, at_once: int = AT_ONCE) -> web.Application:
    """The API on these use cases, working on `at_once` requests at a time."""
    app = web.Application(
        middlewares=[complete, shed, log_request, answer_errors, check_version],
        client_max_size=BODY_LIMIT,
    )
    app[SERVICES] = services
    app[GATE] = Gate(at_once)
    app[DESCRIPTION] = description()
    endpoints: dict[str, dict[str, Endpoint]] = defaultdict(dict)
    for route in ROUTES:
        for path in route.paths:
            endpoints[path][route.method] = route.endpoint
    for path, by_method in endpoints.items():
        app.router.add_route("*", path, Path(by_method).answer)
    return app
