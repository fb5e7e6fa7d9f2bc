"""Reading a request's body: JSON, form or multipart; nothing at all is None."""

import asyncio
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from deis_control.errors import BadRequest, UnsupportedMedia
from deis_control.rules.parsing import read_json

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"

BODY_LIMIT = 4 * 1024 * 1024
"""Bytes; more is answered 413. The largest config fits, escaped as JSON's writers do."""

_BROKEN = (ValueError, LookupError, RuntimeError, HttpProcessingError)
"""What aiohttp raises for parts without a name or an end, with headers that are none, in a
charset or transfer encoding that nobody knows."""


BODY_PATIENCE = 60.0
"""Seconds that a body may take to arrive."""


async def read_body(request: web.Request) -> object:
    """The decoded body, None when it is empty; UnsupportedMedia, BadRequest."""
    try:
        async with asyncio.timeout(BODY_PATIENCE):
            return await _read(request)
    except TimeoutError as err:
        raise BadRequest(f"The body did not arrive within {BODY_PATIENCE:g} seconds.") from err
    except web.RequestPayloadError as err:
        raise BadRequest("The request's body cannot be decoded.") from err


async def _read(request: web.Request) -> object:
    if request.content_type == MULTIPART:
        return await _multipart(request)
    raw = await request.read()
    if not raw:
        return None
    if request.content_type == JSON:
        return parse_json(raw)
    if request.content_type == FORM:
        return dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
    raise UnsupportedMedia(request.headers.get("Content-Type", ""))


def parse_json(raw: bytes) -> object:
    """A JSON text → value; BadRequest with the parser's words."""
    try:
        return read_json(raw)
    except ValueError as err:
        raise BadRequest(f"JSON parse error - {err}") from err


async def _multipart(request: web.Request) -> object:
    if request.content_length == 0:
        return None
    try:
        form = await request.post()
    except _BROKEN as err:
        raise BadRequest(f"Multipart form parse error - {' '.join(str(err).split())}") from err
    return {name: value for name, value in form.items() if isinstance(value, str)}
