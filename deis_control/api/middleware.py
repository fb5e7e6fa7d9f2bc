"""What surrounds every handler: the request's log line, errors → answers, the version check."""

import time

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from deis_control.api.answers import answer
from deis_control.api.headers import API_MAJOR, is_preflight, preflight
from deis_control.errors import (
    BadRequest,
    ClientMismatch,
    ControlError,
    LogsUnavailable,
    TooLarge,
)

log = structlog.get_logger()


@web.middleware
async def log_request(request: web.Request, handler: Handler) -> web.StreamResponse:
    """One line for each request, with what happened while it ran bound to it."""
    started = time.monotonic()
    with structlog.contextvars.bound_contextvars(method=request.method, path=request.path):
        response = await handler(request)
        # Reads are most of the load, and change nothing: their lines are for those who look.
        quiet = request.method in ("GET", "HEAD") and response.status < 400
        write = log.debug if quiet else log.info
        elapsed = round((time.monotonic() - started) * 1000, 1)
        write("request answered", status=response.status, milliseconds=elapsed)
        return response


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The only place where an error becomes an answer."""
    try:
        return await handler(request)
    except ControlError as err:
        return error_answer(err)
    except web.HTTPRequestEntityTooLarge:
        return error_answer(TooLarge())
    except web.HTTPNotFound:
        return _page("<h1>Not Found</h1>", 404)
    except web.HTTPException as err:
        return answer({"detail": err.reason}, err.status)
    except web.RequestPayloadError:
        return error_answer(BadRequest("The request's body cannot be read."))
    except ConnectionError:
        return error_answer(BadRequest("The request broke off."))
    except Exception:
        log.exception("request failed")
        return answer({"detail": "Server Error (500)"}, 500)


@web.middleware
async def check_version(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse clients of another major version; answer browsers that ask before they ask."""
    given = request.headers.get("DEIS-VERSION", request.headers.get("DEIS_VERSION"))
    if given is not None and given != API_MAJOR:
        raise ClientMismatch(given, API_MAJOR)
    return preflight() if is_preflight(request) else await handler(request)


def error_answer(error: ControlError) -> web.Response:
    """The answer that an error stands for."""
    if isinstance(error, LogsUnavailable):
        return web.Response(text=error.detail, status=error.status, headers=error.headers)
    return answer(error.body(), error.status, error.headers)


def _page(text: str, status: int) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/html", charset="utf-8")
