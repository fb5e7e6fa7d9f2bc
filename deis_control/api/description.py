"""The API's description: for machines and for people."""

from dataclasses import dataclass

from aiohttp import web

from deis_control.api.call import Call
from deis_control.api.permissions import Who, may


@dataclass(frozen=True, slots=True)
class Text:
    """A text that never changes while the process runs."""

    body: bytes
    etag: str
    kind: str
    policy: str | None = None
    """What the page may load (Content-Security-Policy); None for what is no page."""


@dataclass(frozen=True, slots=True)
class Description:
    """Both texts."""

    document: Text
    page: Text


DESCRIPTION = web.AppKey("description", Description)


@may(Who.ANYBODY)
async def document(call: Call) -> web.Response:
    """GET /v1/openapi.json."""
    return _text(call, call.request.app[DESCRIPTION].document)


@may(Who.ANYBODY)
async def page(call: Call) -> web.Response:
    """GET /v1/docs/ — the same as a page."""
    return _text(call, call.request.app[DESCRIPTION].page)


def _text(call: Call, text: Text) -> web.Response:
    """The text, or 304 for whoever has it (RFC 9110, 13.1.2)."""
    headers = {"ETag": f'"{text.etag}"', "Cache-Control": "no-cache"}
    if text.policy is not None:
        headers |= {"Content-Security-Policy": text.policy, "X-Content-Type-Options": "nosniff"}
    known = call.request.if_none_match or ()
    if any(tag.value in (text.etag, "*") for tag in known):
        return web.Response(status=304, headers=headers)
    return web.Response(body=text.body, content_type=text.kind, charset="utf-8", headers=headers)
