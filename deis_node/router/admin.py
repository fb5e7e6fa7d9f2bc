"""The agent's side of nginx' admin socket: rows in, state and counts out (lua/admin.lua)."""

import asyncio
import io
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp

from deis_node.router.errors import AdminError, OtherTable
from deis_node.router.folder import socket_path
from deis_node.router.table import Delta

_LIMIT = 5.0
_FULL_LIMIT = 20.0


@dataclass(frozen=True, slots=True)
class State:
    """What nginx says of itself."""

    incarnation: str
    """A new one each time nginx starts with an empty table."""
    version: int
    """Of the table."""
    synced: bool
    """Whether a full table is in."""
    config: str
    """The id of its configuration."""


class Admin:
    """A client of the admin socket, as an asynchronous context manager.

    Each call is a connection of its own, so that it never waits for a worker that is leaving.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor = -1
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._descriptor = os.open(self._folder, os.O_PATH | os.O_DIRECTORY)
        path = socket_path(self._folder, self._descriptor)
        connector = aiohttp.UnixConnector(path, force_close=True)
        self._session = aiohttp.ClientSession("http://nginx", connector=connector)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()
        os.close(self._descriptor)

    async def state(self) -> State:
        """What nginx holds now."""
        return _state(await self._ask("GET", "/state"))

    async def load(self, rows: Mapping[str, str], version: int) -> State:
        """Put a whole table in the place of the one that nginx holds."""
        body = _lines(rows, ())
        return _state(
            await self._ask("POST", f"/rows?mode=full&version={version}", body, _FULL_LIMIT)
        )

    async def change(self, delta: Delta, base: State) -> State:
        """Apply a change to the table of `base`; OtherTable when nginx holds another."""
        query = f"base={base.version}&version={base.version + 1}&incarnation={base.incarnation}"
        body = _lines(delta.sets, delta.deletes)
        return _state(await self._ask("POST", f"/rows?mode=delta&{query}", body))

    async def inflight(self, addresses: Iterable[str] | None = None) -> dict[str, int]:
        """Address → requests in flight, where there are any; of all when none are given."""
        if addresses is None:
            text = await self._ask("GET", "/inflight")
        else:
            text = await self._ask("POST", "/inflight", "\n".join(addresses).encode())
        pairs = (line.rpartition(" ") for line in text.splitlines())
        return {address: int(count) for address, _, count in pairs}

    async def _ask(self, verb: str, path: str, body: bytes = b"", limit: float = _LIMIT) -> str:
        assert self._session is not None
        try:
            async with asyncio.timeout(limit):
                async with self._session.request(verb, path, data=io.BytesIO(body)) as response:
                    text = await response.text()
        except (aiohttp.ClientError, OSError) as err:
            # A timeout is an OSError, too.
            raise AdminError(f"nginx does not answer: {err or type(err).__name__}") from err
        if response.status == 409:
            raise OtherTable("nginx holds another table")
        if response.status != 200:
            raise AdminError(f"nginx answered {response.status}: {text[:200]}")
        return text


def _lines(sets: Mapping[str, str], deletes: Iterable[str]) -> bytes:
    lines = [f"+{key} {row}\n" for key, row in sets.items()]
    lines += [f"-{key}\n" for key in deletes]
    return "".join(lines).encode()


def _state(text: str) -> State:
    try:
        data = json.loads(text)
        return State(data["incarnation"], data["version"], data["synced"], data["config"])
    except (ValueError, KeyError, TypeError) as err:
        raise AdminError(f"nginx answered nonsense: {text[:200]!r}") from err
