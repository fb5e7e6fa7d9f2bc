"""A watch that goes on: across silence, lost connections, other members, and new log-ins.

Rules it keeps: it resumes after the last event it delivered, never from a header's revision;
compaction and a store that went back are errors of their own, for the reader to list again; a
silent connection is opened anew after a while, because a stopped server keeps it alive. A server
that tells its progress is not silent, and no request is needed to know that it lives.
"""

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import structlog

from deis_node.cluster.etcd_errors import (
    Compacted,
    RevisionWentBack,
    TokenRejected,
    Unavailable,
    translate,
)
from deis_node.cluster.etcd_gateway import Gateway, stream_error
from deis_node.cluster.etcd_wire import (
    Event,
    Json,
    decode_events,
    decode_revision,
    encode_prefix,
)
from deis_node.runtime.backoff import Backoff

log = structlog.get_logger()


@dataclass(slots=True)
class _Position:
    """Where a watch stands: the next revision it wants, and in whose history."""

    revision: int
    cluster: str = ""
    term: int = 0


async def watch(
    gateway: Gateway, prefix: str, revision: int, *, read_limit: float, resume: bool
) -> AsyncGenerator[tuple[Event, ...], None]:
    """The changes of keys with this prefix, from `revision` on, each batch in order.

    One batch holds all changes of the revisions in it. With `resume` a lost connection is made
    anew, for ever; without, it raises Unavailable, because the reader doubts what it has.
    """
    position = _Position(revision)
    pause = Backoff(initial=0.05, maximum=2.0)
    doubt = False
    refused = 0
    while True:
        endpoint = gateway.endpoint
        try:
            if doubt:
                await _verify(gateway, prefix, position)
            async with gateway.stream("/v3/watch", _request(prefix, position)) as reader:
                messages = _Messages(reader, endpoint)
                await _created(gateway, prefix, messages, position)
                doubt, refused = False, 0
                pause.reset()
                while (message := await messages.next(read_limit)) is not None:
                    if events := _newer(message, position):
                        yield events
            continue
        except TokenRejected:
            refused += 1
            if refused > 1:
                raise
        except Unavailable as err:
            gateway.failed(endpoint)
            if not resume:
                raise
            log.info("watch interrupted", prefix=prefix, error=str(err))
            doubt = True
        await pause.wait()


def _request(prefix: str, position: _Position) -> Json:
    wanted = encode_prefix(prefix) | {"start_revision": str(position.revision)}
    return {"create_request": wanted | {"progress_notify": True}}


def _newer(message: Mapping[str, Any], position: _Position) -> tuple[Event, ...]:
    """The events of a message that have not been delivered; moves the position past them."""
    events = tuple(
        event for event in decode_events(message) if event.kv.mod_revision >= position.revision
    )
    if events:
        position.revision = max(event.kv.mod_revision for event in events) + 1
    return events


async def _created(
    gateway: Gateway, prefix: str, messages: "_Messages", position: _Position
) -> None:
    """Take the first message, which confirms the watch, and look whose history answers."""
    message = await messages.next(gateway.patience)
    if message is None or not message.get("created"):
        raise Unavailable("the watch was not confirmed in time")
    header = message.get("header", {})
    cluster = str(header.get("cluster_id", ""))
    if position.cluster not in ("", cluster):
        raise RevisionWentBack(f"another cluster answers: {cluster}, was {position.cluster}")
    position.cluster = cluster
    position.term = max(position.term, int(header.get("raft_term", 0)))
    if decode_revision(message) < position.revision - 1:
        # Perhaps only this member lags behind; what the majority has decides.
        await _verify(gateway, prefix, position)


async def _verify(gateway: Gateway, prefix: str, position: _Position) -> None:
    """RevisionWentBack when the store is not the one, or not as far, as the watch has seen."""
    body = encode_prefix(prefix) | {"limit": "1", "keys_only": True}
    answer = await gateway.call("/v3/kv/range", body, repeatable=True)
    header = answer.get("header", {})
    found = decode_revision(answer)
    if found < position.revision - 1:
        raise RevisionWentBack(f"the store is at {found}, was at {position.revision - 1}")
    if position.cluster not in ("", str(header.get("cluster_id", ""))):
        raise RevisionWentBack("another cluster answers")
    if int(header.get("raft_term", 0)) < position.term:
        raise RevisionWentBack("the store's elections started anew")


class _Messages:
    """The lines of a watch's body, decoded."""

    def __init__(self, reader: aiohttp.StreamReader, endpoint: str) -> None:
        self._reader = reader
        self._endpoint = endpoint
        self._lines: deque[bytes] = deque()
        self._pieces: list[bytes] = []

    async def next(self, limit: float) -> Json | None:
        """The next message; None after `limit` seconds of silence.

        Unavailable when the connection ends, Compacted, TokenRejected and others as the server
        says.
        """
        while not self._lines:
            try:
                async with asyncio.timeout(limit):
                    chunk = await self._reader.readany()
            except TimeoutError:
                return None
            except (aiohttp.ClientError, OSError) as err:
                raise Unavailable(f"{self._endpoint}: the watch broke off: {err}") from err
            if not chunk:
                raise Unavailable(f"{self._endpoint}: the server ended the watch")
            self._take(chunk)
        return _result(self._lines.popleft())

    def _take(self, chunk: bytes) -> None:
        self._pieces.append(chunk)
        if b"\n" not in chunk:
            return
        *lines, rest = b"".join(self._pieces).split(b"\n")
        self._pieces = [rest]
        self._lines.extend(line for line in lines if line)


def _result(line: bytes) -> Json:
    """The content of one message; an error or a cancellation in it is raised."""
    try:
        message: Json = json.loads(line)
    except ValueError as err:
        raise Unavailable("the watch answered with something that is no JSON") from err
    if "error" in message:
        raise stream_error(message["error"])
    result: Json = message.get("result", {})
    if result.get("canceled"):
        oldest = int(result.get("compact_revision", 0))
        if oldest:
            raise Compacted(f"compacted up to revision {oldest}", oldest)
        raise translate(0, f"watch canceled: {result.get('cancel_reason', 'no reason given')}")
    return result
