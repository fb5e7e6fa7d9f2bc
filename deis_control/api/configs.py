"""Config, limits and tags (api.md section 4)."""

from aiohttp import web

from deis_control.api import insight, wire
from deis_control.api.answers import answer
from deis_control.api.call import Call
from deis_control.api.permissions import Who, may
from deis_control.rules.sections import config_delta


@may(Who.APP_USER)
async def show(call: Call) -> web.Response:
    """GET /v1/apps/<app>/config/ — of the latest release."""
    return answer(wire.config(await call.services.configs.current(call.app)))


@may(Who.APP_USER)
async def change(call: Call) -> web.Response:
    """POST /v1/apps/<app>/config/ — always makes a release."""
    delta = config_delta(call.required())
    if call.dry_run:
        foreseen = await call.services.configs.preview(call.app, call.caller, delta)
        return answer(insight.preview(foreseen))
    made = await call.services.configs.change(call.app, call.caller, delta)
    headers = wire.release_headers(made.release.version)
    return answer(wire.released_config(made), 201, headers)
