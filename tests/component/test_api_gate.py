"""Too many requests at once: the rest is refused at the door, and health is always answered."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest

from deis_control.api.app import make_app
from deis_control.api.entrance import serving
from deis_control.db.pool import Database
from deis_node.runtime.tasks import Tasks
from tests.fixtures.control import Api, Client
from tests.fixtures.waiting import eventually

AT_ONCE = 2


@pytest.fixture
async def narrow(api: Api, bob: Client) -> AsyncIterator[Client]:
    """Bob at an API that works on two requests at a time."""
    async with serving(make_app(api.services, at_once=AT_ONCE), "127.0.0.1", 0) as place:
        yield Client(bob.session, f"http://{place}", bob.token)


@asynccontextmanager
async def full(api: Api, narrow: Client) -> AsyncIterator[None]:
    """Every place is taken meanwhile; those who have one are answered afterwards."""
    database = api.leader.database
    api.leader.paused = True  # It would wait for the lock as well.
    async with Tasks() as tasks:
        async with database.transaction("hold") as conn:
            await conn.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
            held = [tasks.start(f"held {n}", narrow.get("/v1/apps/")) for n in range(AT_ONCE)]
            await eventually(lambda: _waiting(database))
            yield
        assert [(await task).status for task in held] == [200] * AT_ONCE
    api.leader.paused = False


async def test_what_is_too_much_is_refused_at_once(api: Api, narrow: Client) -> None:
    async with full(api, narrow):
        refused = await narrow.get("/v1/apps/")
        assert refused.json == {"detail": "The controller is busy."}
        assert (refused.reason, refused.headers["Retry-After"]) == ("SERVICE UNAVAILABLE", "1")
        assert refused.headers["DEIS_API_VERSION"] == "1.7"
        assert (await narrow.get("/healthz")).status == 200
    assert (await narrow.get("/v1/apps/")).status == 200


async def test_those_who_wait_for_an_operation_keep_nobody_out(
    api: Api, narrow: Client, fresh_app: str
) -> None:
    api.leader.paused = True
    async with Tasks() as tasks:
        body = {"values": {"A": "1"}}
        calls = [
            tasks.start(f"change {n}", narrow.post(f"{fresh_app}/config/", body))
            for n in range(AT_ONCE * 2)
        ]
        for _ in calls:
            await asyncio.sleep(0)
        path = f"{fresh_app}/operations/?open=true"
        await eventually(lambda: _counts(narrow, path))
        api.leader.paused = False
        statuses = [(await call).status for call in calls]
        assert set(statuses) <= {201, 503}
        assert statuses.count(201) >= AT_ONCE


async def test_those_who_watch_keep_nobody_out(api: Api, narrow: Client, fresh_app: str) -> None:
    api.leader.paused = True
    made = await narrow.post(f"{fresh_app}/config/", {}, headers={"Prefer": "respond-async"})
    path = f"/v1/operations/{made.json['id']}/"
    headers = {"Accept": "text/event-stream", "Authorization": f"token {narrow.token}"}
    async with AsyncExitStack() as stack:
        streams = [
            await stack.enter_async_context(narrow.session.get(narrow.url + path, headers=headers))
            for _ in range(AT_ONCE + 1)
        ]
        assert (await narrow.get(path)).json["outcome"] is None
        api.leader.paused = False
        texts = [await stream.text() for stream in streams]
        assert all("event: end" in text for text in texts)


async def test_slow_bodies_keep_nobody_out(narrow: Client) -> None:
    host, port = narrow.url.removeprefix("http://").split(":")
    request = b"POST /v1/auth/login/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
    writers = []
    for _ in range(AT_ONCE + 1):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(request)
        await writer.drain()
        writers.append(writer)
    for _ in range(20):
        assert (await narrow.get("/v1/apps/")).status == 200
    for writer in writers:
        writer.close()
        await writer.wait_closed()


async def _waiting(database: Database) -> bool:
    """Whether as many requests as there are places wait for the lock."""
    query = """SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'"""
    async with database.connection() as conn:
        return bool(await conn.fetchval(query) == AT_ONCE)


async def _counts(client: Client, path: str) -> bool:
    """Whether there are as many open operations as places, and somebody can still be told."""
    answer = await client.get(path)
    return answer.status == 200 and bool(answer.json["count"] >= AT_ONCE)


async def test_what_is_too_much_is_told_so_before_http_is_read(api: Api, narrow: Client) -> None:
    plain = b"GET /v1/apps/ HTTP/1.1\r\nHost: x\r\n\r\n"
    posted = b"POST /v1/auth/login/ HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
    half = b"POST /v1/auth/login/ HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"
    browser = b"GET /v1/apps/ HTTP/1.1\r\nHost: x\r\nOrigin: http://x\r\n\r\n"
    async with full(api, narrow):
        short, long = [await _raw(narrow, request) for request in (plain, browser)]
        assert short.startswith(b"HTTP/1.1 503 SERVICE UNAVAILABLE\r\n")
        assert b"Access-Control-Allow-Origin: *" in long
        assert _lines(short) == {line for line in _lines(long) if not line.startswith(ONLY_LONG)}
        assert await _raw(narrow, posted) == short
        assert _lines(await _raw(narrow, half, first=True)) >= _lines(short)
        head = await _raw(narrow, plain.replace(b"GET", b"HEAD"))
        assert head.endswith(b"\r\n\r\n")


async def test_what_never_becomes_a_request_holds_no_place(narrow: Client) -> None:
    malformed = b"GET /v1/ HTTP/1.1\r\nContent-Length: x\r\nContent-Length: y\r\n\r\n"
    for _ in range(AT_ONCE * 3):
        assert (await _raw(narrow, malformed)).startswith(b"HTTP/1.0 400")
    for _ in range(AT_ONCE * 3):
        _, writer = await _opened(narrow)
        writer.write(b"GET /v1/apps/ HTTP/1.1\r\nHost: x\r\n\r\n")
        writer.transport.abort()
    await eventually(lambda: _lets_in(narrow))


@pytest.mark.parametrize(
    "request_line",
    [
        "GET /v1/apps/ HTTP/1.1\r\nExpect: nonsense",
        "GET /healthz?full=1 HTTP/1.1",
        "POST /healthz HTTP/1.1\r\nContent-Length: 0",
        "GET http://x/healthz HTTP/1.1",
        "GET /%68ealthz HTTP/1.1",
    ],
)
async def test_what_is_answered_before_the_gate_holds_no_place(
    narrow: Client, request_line: str
) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(AT_ONCE * 2):
            reader, writer = await _opened(narrow)
            stack.callback(writer.close)
            writer.write(f"{request_line}\r\nHost: x\r\n\r\n".encode())
            assert await reader.read(1)
        assert await _lets_in(narrow)


async def test_health_is_let_in_however_it_is_asked_for(api: Api, narrow: Client) -> None:
    async with full(api, narrow):
        for path in ("/healthz", "/healthz?now=1"):
            request = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            assert (await _raw(narrow, request.encode())).startswith(b"HTTP/1.1 200 OK")


async def test_who_comes_with_much_at_once_is_read_no_faster_than_answered(
    api: Api, narrow: Client
) -> None:
    """What a connection brings with it counts: the server stops reading as it would later."""
    fill = b"X-Fill: " + b"x" * 900
    piece = f"GET /v1/apps/ HTTP/1.1\r\nHost: x\r\nAuthorization: token {narrow.token}\r\n"
    request = piece.encode() + fill + b"\r\n\r\n"
    async with api.leader.database.transaction("hold") as conn:
        await conn.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
        host, port = narrow.url.removeprefix("http://").split(":")
        client = socket.create_connection((host, int(port)))
        client.sendall(request * 60)  # Before the server has its turn.
        _, writer = await asyncio.open_connection(sock=client)
        assert await _written(writer, request * 100, seconds=1.5) < 12 << 20
        writer.transport.abort()


@pytest.mark.parametrize("turns", [1, 2, 3, 4, 5, 20])
async def test_what_was_let_in_before_the_end_is_answered(
    api: Api, bob: Client, turns: int
) -> None:
    """Whoever has no answer when the server has stopped may be sure that nothing was done."""
    clients = []
    async with serving(make_app(api.services), "127.0.0.1", 0) as place:
        for number in range(20):
            body = f'{{"id": "late-{number}"}}'
            head = f"Authorization: token {bob.token}\r\nContent-Type: application/json\r\n"
            length = f"Content-Length: {len(body)}\r\nConnection: close\r\n"
            client = socket.create_connection((place.host, place.port))
            client.sendall(
                f"POST /v1/apps/ HTTP/1.1\r\nHost: x\r\n{head}{length}\r\n{body}".encode()
            )
            clients.append(client)
        for _ in range(turns):
            await asyncio.sleep(0)
    answers = [await asyncio.to_thread(_last_words, client) for client in clients]
    made = [answer for answer in answers if answer.startswith(b"HTTP/1.1 201 CREATED\r\n")]
    assert (await bob.get("/v1/apps/")).json["count"] == len(made)
    assert made or turns < 10


def _last_words(client: socket.socket) -> bytes:
    with client, suppress(ConnectionError):
        return client.recv(1 << 16)
    return b""


async def _written(writer: asyncio.StreamWriter, piece: bytes, *, seconds: float) -> int:
    """How many bytes somebody took in so many seconds."""
    written = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while True:
                writer.write(piece)
                await writer.drain()
                written += len(piece)
    return written


ONLY_LONG = (b"Date:", b"Access-Control-")


def _lines(answer: bytes) -> set[bytes]:
    """An answer's lines of head and its body, in any order."""
    return {line for line in answer.split(b"\r\n") if line}


async def _opened(client: Client) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = client.url.removeprefix("http://").split(":")
    return await asyncio.open_connection(host, int(port))


async def _raw(client: Client, request: bytes, *, first: bool = False) -> bytes:
    """What comes back until the connection ends; or the first of it."""
    reader, writer = await _opened(client)
    writer.write(request)
    answer = await reader.read(1 << 16) if first else await reader.read()
    writer.close()
    return answer


async def _lets_in(client: Client) -> bool:
    """Whether as many requests as there are places are let in at the same time."""
    calls = [client.get("/v1/apps/") for _ in range(AT_ONCE)]
    return {answer.status for answer in await asyncio.gather(*calls)} == {200}
