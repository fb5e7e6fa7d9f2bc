"""Releases and rollback (api.md section 6)."""

from aiohttp import web

from deis_control.api import insight, wire
from deis_control.api.accepted import outcome
from deis_control.api.answers import answer, listing, window_of
from deis_control.api.call import Call
from deis_control.api.permissions import Who, may
from deis_control.errors import NotFound
from deis_control.model import Operation, Scope
from deis_control.rules.scaling import requested_version
from deis_control.rules.tokens import require


@may(Who.APP_USER, Scope.READ)
async def page(call: Call) -> web.Response:
    """GET /v1/apps/<app>/releases/ — newest first."""
    found = await call.services.releases.page(call.app, window_of(call.request))
    return listing(call.request, found, wire.release)


@may(Who.APP_USER, Scope.READ)
async def show(call: Call) -> web.Response:
    """GET /v1/apps/<app>/releases/v<N>/."""
    found = await call.services.releases.find(call.app, _version(call.part("version")))
    return answer(wire.release(found))


@may(Who.APP_USER, Scope.READ)
async def diff(call: Call) -> web.Response:
    """GET /v1/apps/<app>/releases/v<A>/diff/v<B>/ — config values by name unless `values`."""
    old, new = _version(call.part("version")), _version(call.part("other"))
    values = call.flag("values")
    if values:
        require(call.credentials.token, Scope.DEPLOY)
        await call.services.audit.read_config(call.caller, call.app, f"v{old} to v{new}")
    found = await call.services.releases.diff(call.app, old, new)
    return answer(insight.release_diff(found, values=values))


@may(Who.APP_USER, Scope.DEPLOY)
async def rollback(call: Call) -> web.StreamResponse:
    """POST /v1/apps/<app>/releases/rollback/."""
    version = requested_version(call.data)
    if call.dry_run:
        foreseen = await call.services.releases.preview_rollback(call.app, call.caller, version)
        return answer(insight.preview(foreseen))
    operation = await call.services.releases.accept_rollback(call.app, call.caller, version)
    return await outcome(call, operation, lambda: _released(call, operation))


async def _released(call: Call, operation: Operation) -> web.Response:
    return answer({"version": await call.services.releases.released(operation)}, 201)


def _version(digits: str) -> int:
    if len(digits) > 18:
        raise NotFound  # beyond any number there is
    return int(digits)
