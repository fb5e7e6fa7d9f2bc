"""The description's texts as they are served: made once in a process. PURE."""

import base64
import hashlib
import json
from functools import cache

from deis_control.api.bodies import JSON
from deis_control.api.description import Description, Text
from deis_control.api.openapi import html
from deis_control.api.openapi.declaring import HTML
from deis_control.api.openapi.document import document
from deis_control.api.openapi.reading import Reader
from deis_control.api.openapi.style import STYLE


@cache
def description() -> Description:
    """Document and page; Undescribed when the route table has a row that nobody described."""
    made = document()
    plain = json.dumps(made, ensure_ascii=False, separators=(",", ":"))
    return Description(
        _text(plain, JSON), _text(html.page(Reader(made)), HTML, policy=content_policy())
    )


def content_policy() -> str:
    """What the page may load: nothing but the style that stands in it."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    closed = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    return f"default-src 'none'; style-src 'sha256-{digest}'; {closed}"


def _text(text: str, kind: str, policy: str | None = None) -> Text:
    body = text.encode()
    return Text(body, hashlib.sha256(body).hexdigest()[:32], kind, policy)
