"""The controller's HTTP API, as a client sees it.

What goes over the wire is `transport`'s: it is imported by the first request, since completion
and help need none.
"""

import json
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from deis_cli.deis import API_VERSION, VERSION, hints, output, profile
from deis_cli.deis.errors import ApiError, CliError

TIMEOUT = 1260.0
"""Seconds: a deploy is answered when it has ended, 20 minutes at most."""

ASYNC = {"Prefer": "respond-async"}
"""Asks for the operation itself instead of its end (RFC 7240)."""

DEFAULT_ROUTER_PORT = 80
DEFAULT_BUILDER_PORT = 2222


@dataclass(slots=True)
class Answer:
    """What the controller said."""

    status: int
    body: bytes

    def object(self) -> dict[str, Any]:
        """The body as a JSON object; CliError when it is none."""
        try:
            data = json.loads(self.body)
        except ValueError as err:
            raise CliError(f"The controller's answer is no JSON: {err}") from err
        if not isinstance(data, dict):
            raise CliError("The controller's answer is no JSON object.")
        return data


@dataclass(slots=True)
class Page:
    """One page of a list."""

    results: list[dict[str, Any]]
    count: int

    @property
    def suffix(self) -> str:
        """` (2 of 250)` when there is more than was listed, else nothing."""
        shown = len(self.results)
        return f" ({shown} of {self.count})" if shown != self.count else ""


@dataclass(slots=True)
class Controller:
    """A controller at a URL, with or without a login."""

    url: str
    token: str | None = None
    ssl_verify: bool = True
    limit: int = profile.DEFAULT_LIMIT
    username: str = ""
    builder_port: int = DEFAULT_BUILDER_PORT
    router_port: int = DEFAULT_ROUTER_PORT

    @classmethod
    def of_profile(cls) -> "Controller":
        """The controller that the saved login is for."""
        saved = profile.load()
        return cls(
            url=saved.controller,
            token=saved.token,
            ssl_verify=saved.ssl_verify,
            limit=saved.response_limit,
            username=saved.username,
        )

    @property
    def hostname(self) -> str:
        """The host that git pushes to."""
        return urllib.parse.urlsplit(self.url).hostname or ""

    def get(self, path: str, *, timeout: float = TIMEOUT) -> Answer:
        """GET; ApiError on an error status."""
        return self.request("GET", path, timeout=timeout)

    def post(
        self, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """POST a JSON body, or none at all."""
        return self.request("POST", path, body, headers=headers)

    def delete(self, path: str, body: object = None) -> Answer:
        """DELETE."""
        return self.request("DELETE", path, body)

    def list(self, path: str, limit: int | None = None, *, whole: bool = False) -> Page:
        """A list's first page; `limit` is the number of entries wanted, `whole` wants all."""
        page = self._page(path, limit or self.limit)
        number = 1
        while whole and limit is None and len(page.results) < page.count:
            number += 1
            more = self._page(path, self.limit, number)
            page.results += more.results
            if not more.results:
                break
        return page

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT,
    ) -> Answer:
        """Send a request; ApiError on an error status, CliError when nobody answers in time."""
        with self._sent(method, path, body, headers or {}, timeout) as response:
            return Answer(response.status, response.read())

    def stream(
        self, path: str, headers: Mapping[str, str], *, timeout: float
    ) -> Iterator[tuple[str, bytes]]:
        """GET an answer that grows: its media type and a line, again and again."""
        with self._sent("GET", path, None, headers, timeout) as response:
            kind = response.headers.get_content_type()
            lines: BinaryIO = response
            for line in lines:
                yield kind, line

    def probe(self) -> int:
        """The status of a request that says nothing of who asks (cli.md: the check)."""
        try:
            with self._sent("GET", "/v1/", None, {"Content-Type": ""}, TIMEOUT) as response:
                return int(response.status)
        except ApiError as err:
            return err.status

    def _page(self, path: str, size: int, number: int = 1) -> Page:
        mark = "&" if "?" in path else "?"
        more = f"&page={number}" if number > 1 else ""
        data = self.get(f"{path}{mark}page_size={size}{more}").object()
        try:
            return Page(results=[*data["results"]], count=int(data["count"]))
        except (KeyError, TypeError, ValueError) as err:
            raise CliError("The controller's answer is no list.") from err

    @contextmanager
    def _sent(
        self, method: str, path: str, body: object, headers: Mapping[str, str], timeout: float
    ) -> Iterator[Any]:
        from deis_cli.deis.transport import Refused, Unreachable, exchange

        data = b"" if method == "POST" and body is None else None
        if body is not None:
            data = json.dumps(body).encode()
        sent = {name: text for name, text in {**self._headers(), **headers}.items() if text}
        try:
            with exchange(
                method, self.url + path, data, sent, timeout, verify=self.ssl_verify
            ) as response:
                self._read_headers(response.headers)
                yield response
        except Refused as err:
            text = error_text(err.status, err.reason, err.body)
            hint = hints.hint_of(err.status, path, self.url, text)
            raise ApiError(err.status, text, hint) from None
        except Unreachable as err:
            hint = hints.unreachable(self.url, str(err))
            raise CliError(f"{self.url} does not answer: {err}", hint) from None

    def _headers(self) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"Deis Client v{VERSION}",
        }
        if self.token:
            headers["Authorization"] = f"token {self.token}"
        return headers

    def _read_headers(self, headers: Any) -> None:
        """Learn the platform's ports; warn when it speaks another version of the API."""
        self.builder_port = _port(headers.get("Deis-Builder-Port"), self.builder_port)
        self.router_port = _port(headers.get("Deis-Router-Port"), self.router_port)
        version = headers.get("DEIS_API_VERSION")
        if version != API_VERSION:
            output.notice(
                "!    WARNING: Client and server API versions do not match. "
                "Please consider upgrading."
            )
            output.notice(f"!    Client version: {API_VERSION}")
            output.notice(f"!    Server version: {version}")


def normal_url(text: str) -> str:
    """A controller's URL as the user may give it, made whole; CliError when it is none."""
    url = text if "://" in text else f"http://{text}"
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise CliError(f"{text} is no URL of a controller.")
    return url.rstrip("/")


def error_text(status: int, reason: str, body: bytes) -> str:
    """What the user reads of an error: the status line, then a line a message.

    Starts and ends with a newline, as the original's texts do (cli.md section 1).
    """
    lines = ["", f"{status} {reason}"]
    try:
        data = json.loads(body)
    except ValueError:
        data = None
    if isinstance(data, dict):
        for key, value in data.items():
            texts = value if isinstance(value, list) else [value]
            lines += [f"{key}: {text}" for text in texts]
    elif body:
        lines.append(body.decode(errors="replace"))
    return "\n".join(lines) + "\n"


def _port(text: str | None, fallback: int) -> int:
    return int(text) if text and text.isdigit() else fallback
