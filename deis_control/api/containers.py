"""Copies: listing, restarting, scaling (api.md section 7), stopping and starting."""

from collections.abc import Sequence

from aiohttp import web

from deis_control.api import insight, wire
from deis_control.api.accepted import outcome
from deis_control.api.answers import answer, cut, empty, listing, window_of
from deis_control.api.call import Call
from deis_control.api.permissions import Who, may
from deis_control.deltas import StartDelta, StopDelta
from deis_control.model import Operation, Scope
from deis_control.rules.scaling import requested_structure
from deis_control.services.containers import CopyState


@may(Who.APP_USER, Scope.READ)
async def page(call: Call) -> web.Response:
    """GET /v1/apps/<app>/containers/ — oldest first, without one-off runs."""
    return _listing(call, call.services.containers.all_of(call.app))


@may(Who.APP_USER, Scope.READ)
async def page_of_type(call: Call) -> web.Response:
    """GET /v1/apps/<app>/containers/<type>/."""
    return _listing(call, call.services.containers.of_type(call.app, call.part("type")))


@may(Who.APP_USER, Scope.READ)
async def show(call: Call) -> web.Response:
    """GET /v1/apps/<app>/containers/<type>/<num>/."""
    found = call.services.containers.one(call.app, call.part("type"), call.part("num"))
    return answer(wire.container(found, call.app))


@may(Who.APP_USER, Scope.DEPLOY)
async def restart(call: Call) -> web.StreamResponse:
    """POST /v1/apps/<app>/containers/[<type>/[<num>/]]restart/ — a bare array."""
    containers, parts = call.services.containers, call.request.match_info
    kind, num = parts.get("type"), parts.get("num")
    if call.dry_run:
        foreseen = await containers.preview_restart(call.app, call.caller, kind, num)
        return answer(insight.preview(foreseen))
    operation = await containers.accept_restart(call.app, call.caller, kind, num)
    if operation is None:
        return answer([])
    return await outcome(call, operation, lambda: _restarted(call, operation, kind, num))


async def _restarted(
    call: Call, operation: Operation, kind: str | None, num: str | None
) -> web.Response:
    await call.services.operations.wait(operation)
    found = call.services.containers.chosen(call.app, kind, num)
    return answer([wire.container(copy, call.app) for copy in found])


@may(Who.APP_USER, Scope.DEPLOY)
async def scale(call: Call) -> web.StreamResponse:
    """POST /v1/apps/<app>/scale/."""
    requested = requested_structure(call.data)
    if call.dry_run:
        foreseen = await call.services.containers.preview_scale(call.app, call.caller, requested)
        return answer(insight.preview(foreseen))
    operation = await call.services.containers.accept_scale(call.app, call.caller, requested)
    if operation is None:
        return empty(204)
    return await outcome(call, operation, lambda: _done(call, operation))


async def _done(call: Call, operation: Operation) -> web.Response:
    await call.services.operations.wait(operation)
    return empty(204)


@may(Who.APP_USER, Scope.DEPLOY)
async def stop(call: Call) -> web.StreamResponse:
    """POST /v1/apps/<app>/containers/[<type>/]stop/ — the counts stay."""
    return await _steer(call, StopDelta(call.request.match_info.get("type")))


@may(Who.APP_USER, Scope.DEPLOY)
async def start(call: Call) -> web.StreamResponse:
    """POST /v1/apps/<app>/containers/[<type>/]start/ — at the counts that a stop has kept."""
    return await _steer(call, StartDelta(call.request.match_info.get("type")))


async def _steer(call: Call, delta: StopDelta | StartDelta) -> web.StreamResponse:
    containers = call.services.containers
    if call.dry_run:
        foreseen = await containers.preview_steering(call.app, call.caller, delta)
        return answer(insight.preview(foreseen))
    operation = await containers.accept_steering(call.app, call.caller, delta)
    return await outcome(call, operation, lambda: _done(call, operation))


def _listing(call: Call, found: Sequence[CopyState]) -> web.Response:
    page_ = cut(found, window_of(call.request))
    return listing(call.request, page_, lambda copy: wire.container(copy, call.app))
