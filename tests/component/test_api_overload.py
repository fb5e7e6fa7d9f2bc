"""A flood, and who is answered meanwhile: the API in a process of its own, on uvloop, as it runs.

The figures are in docs/benchmarks.md; here ten times as much time is given.
"""

import http.client
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from tests.fixtures.ports import free_port
from tests.fixtures.postgres import Databases
from tests.load.api_world import TOKEN, fill
from tests.load.flood import Flood

AT_ONCE = 10
RATE, SECONDS = 1500, 3
HEALTHY = 2.5
"""Seconds: ten times what docs/benchmarks.md promises of `/healthz`."""


@pytest.fixture
async def dsn(databases: Databases) -> str:
    """A database with a few apps."""
    found = await databases.make()
    await fill(found, 20, 5)
    return found


@pytest.fixture
def port(dsn: str) -> Iterator[int]:
    """The API's."""
    ports = free_port(), free_port()
    argv = [sys.executable, "-m", "tests.load.api_server", dsn, *map(str, ports), str(AT_ONCE)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        yield ports[0]
        server.terminate()


class Onlooker(threading.Thread):
    """Asks for health again and again, each time on a new connection."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port
        self._enough = threading.Event()
        self.answers: list[tuple[int, float]] = []

    def run(self) -> None:
        while not self._enough.wait(0.02):
            began = time.monotonic()
            status = ask(self._port, "/healthz")
            self.answers.append((status, time.monotonic() - began))

    def stop(self) -> None:
        self._enough.set()
        self.join()


def test_a_flood_is_answered_to_the_last_request_and_health_at_once(port: int) -> None:
    request = f"GET /v1/apps/app-1/ HTTP/1.1\r\nHost: x\r\nAuthorization: token {TOKEN}\r\n\r\n"
    onlooker = Onlooker(port)
    onlooker.start()
    told = Flood(port, request.encode()).run(RATE, SECONDS)
    onlooker.stop()
    assert told.lost == 0, told
    assert set(told.answers) == {200, 503}, told
    assert {status for status, _ in onlooker.answers} == {200}
    assert max(seconds for _, seconds in onlooker.answers) < HEALTHY
    assert ask(port, "/v1/apps/app-1/") == 200


def ask(port: int, path: str) -> int:
    """One GET; 0 when there was no answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"Authorization": f"token {TOKEN}"})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
