"""Asks a container whether it is ready: its port accepts, or an HTTP path answers 200.

A minimal HTTP/1.1 client, because every ready copy is asked again and again: it reads the status
line and, for a redirect, the headers. The path is the user's text and cannot leave its place in
the request; a redirect is followed only on the container itself (semantics.md section 7).
"""

import asyncio
from urllib.parse import quote, urlsplit

from deis_node.cluster.records import HealthCheck

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HOPS = 5
_HEADERS = 100
"""Header lines that are looked at for a redirect's target."""
_LONGEST = 60.0
"""Seconds that any answer may take."""


async def failed_connection(address: str, timeout: float) -> str | None:
    """Why nobody accepts connections at `ip:port`; None when somebody does."""
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(timeout):
            _, writer = await asyncio.open_connection(host, int(port))
    except TimeoutError:
        return f"port {port} does not accept connections within {timeout:g} s"
    except OSError:
        return f"nobody listens on port {port}"
    writer.transport.abort()
    return None


async def failed_health(address: str, check: HealthCheck, kind: str = "health check") -> str | None:
    """Why the check at `ip:port` does not answer 200; None when it does."""
    timeout = min(max(check.timeout, 0.01), _LONGEST)
    path = check.path
    try:
        async with asyncio.timeout(timeout):
            status, path = await _follow(address, path)
    except TimeoutError:
        return f"{kind} {check.path} does not answer within {timeout:g} s"
    except (OSError, asyncio.IncompleteReadError):
        return f"{kind} {check.path}: nobody answers on port {address.rpartition(':')[2]}"
    except ValueError:
        return f"{kind} {check.path}: the answer is not HTTP"
    return None if status == 200 else f"{kind} {check.path} answered {status}, not 200"


async def _follow(address: str, path: str) -> tuple[int, str]:
    """The status at the end of the redirects, and the path that gave it."""
    status = 0
    for _ in range(_HOPS):
        status, target = await _get(address, request_path(path))
        if target is None:
            break
        path = target
    return status, path


async def _get(address: str, path: str) -> tuple[int, str | None]:
    """One request: the status, and where a redirect leads to."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        request = f"GET {path} HTTP/1.1\r\nHost: {address}\r\n{_FIELDS}\r\n"
        writer.write(request.encode("ascii"))
        first = await reader.readline()
        if not first:
            raise ConnectionResetError("closed without an answer")
        status = status_of(first)
        if status not in _REDIRECTS:
            return status, None
        for _ in range(_HEADERS):
            name, _, value = (await reader.readline()).decode("latin-1").partition(":")
            if not name.strip():
                break
            if name.strip().lower() == "location":
                parts = urlsplit(value.strip())
                return status, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return status, None
    finally:
        writer.transport.abort()


_FIELDS = "User-Agent: deis-publisher\r\nAccept: */*\r\nConnection: close\r\n"


def status_of(line: bytes) -> int:
    """The status of an answer's first line; ValueError when that is no HTTP."""
    version, _, rest = line.decode("latin-1").strip().partition(" ")
    code = rest[:3]
    if not version.startswith("HTTP/") or len(code) != 3 or not code.isdecimal():
        raise ValueError("not a status line of HTTP")
    return int(code)


def request_path(path: str) -> str:
    """A user's path as it may stand in a request: ASCII, no blanks or line ends, from `/` on."""
    made = quote(path, safe="/?=&%:;,@+$!*'()~[]-._", errors="replace")
    return made if made.startswith("/") else f"/{made}"
