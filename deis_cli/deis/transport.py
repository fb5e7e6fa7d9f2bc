"""One request over the wire, by the standard library.

An HTTP framework would take longer to import than most commands take to run. One connection a
request; redirects are followed, proxies of the environment are honoured (client.md).
"""

import http.client
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit


class Refused(Exception):
    """An answer with an error status."""

    def __init__(self, status: int, reason: str, body: bytes) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.body = body


class Unreachable(Exception):
    """No answer, or one that broke off; the text says why."""


@contextmanager
def exchange(
    method: str,
    url: str,
    data: bytes | None,
    headers: Mapping[str, str],
    timeout: float,
    *,
    verify: bool,
) -> Iterator[Any]:
    """The answer to a request, to be read within; Refused, Unreachable."""
    request = urllib.request.Request(  # noqa: S310 - the scheme is checked by `normal_url`
        url, data=data, method=method, headers=dict(headers)
    )
    try:
        with _opener(verify).open(request, timeout=timeout) as response:
            yield response
    except urllib.error.HTTPError as err:
        raise Refused(err.code, err.reason, err.read()) from None
    except (urllib.error.URLError, http.client.HTTPException, OSError) as err:
        raise Unreachable(str(getattr(err, "reason", err))) from None


def _opener(verify: bool) -> urllib.request.OpenerDirector:
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    https = urllib.request.HTTPSHandler(context=context)
    return urllib.request.build_opener(https, _Redirects())


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but shows the token to nobody else."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """The request to follow with."""
        follow = super().redirect_request(req, fp, code, msg, headers, newurl)
        if follow is not None and _origin(follow.full_url) != _origin(req.full_url):
            follow.remove_header("Authorization")
        return follow


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
