"""Config, limits and tags (api.md section 4)."""

from aiohttp import web

from deis_control.api import insight, wire
from deis_control.api.accepted import outcome
from deis_control.api.answers import answer
from deis_control.api.call import Call
from deis_control.api.permissions import Who, may
from deis_control.model import Operation, Scope
from deis_control.rules.sections import config_delta


@may(Who.APP_USER, Scope.DEPLOY)
async def show(call: Call) -> web.Response:
    """GET /v1/apps/<app>/config/ — of the latest release; it holds secrets, so it is noted."""
    found = await call.services.configs.current(call.app)
    await call.services.audit.read_config(call.caller, call.app, str(found.uuid))
    return answer(wire.config(found))


@may(Who.APP_USER, Scope.DEPLOY)
async def change(call: Call) -> web.StreamResponse:
    """POST /v1/apps/<app>/config/ — always makes a release."""
    delta = config_delta(call.required())
    if call.dry_run:
        foreseen = await call.services.configs.preview(call.app, call.caller, delta)
        return answer(insight.preview(foreseen))
    operation = await call.services.configs.accept(call.app, call.caller, delta)
    return await outcome(call, operation, lambda: _released(call, operation))


async def _released(call: Call, operation: Operation) -> web.Response:
    made = await call.services.configs.released(call.app, operation)
    headers = wire.release_headers(made.release.version)
    return answer(wire.released_config(made), 201, headers)
