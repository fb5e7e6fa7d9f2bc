"""Lines that an app wrote for certain, and whether each of them is kept.

Requests with numbers go to the app, which writes down each number before it answers. So for each
answer there is a line; what the loggers have stored must have all of them, whatever was done to
the platform meanwhile. Excused is only what a copy wrote in the last moments of a host that lost
its power: nobody may have read that yet.
"""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from tests.fixtures.cluster import Cluster
from tests.fixtures.invariants_read import log_files
from tests.fixtures.platform import App, request
from tests.fixtures.traffic import COUNTED_PATH, moment

INTERVAL = 0.25
"""Seconds between two requests through a router."""
UNREAD = 3.0
"""Seconds in which a line that was written may not have left its container."""
_WRITTEN = re.compile(rb"counted (\d+)")


@dataclass(frozen=True)
class Line:
    """A number that a copy wrote down."""

    number: int
    host: str
    """Where the copy ran."""
    at: float
    """When it had been written."""


class Lines:
    """All of a run."""

    def __init__(self, cluster: Cluster, app: App, routers: tuple[str, ...]) -> None:
        self.written = 0
        """How many there were."""
        self._cluster = cluster
        self._app = app
        self._routers = routers
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._number = 0
        self._open: dict[int, Line] = {}
        self._darkened: list[tuple[str, float]] = []

    @contextmanager
    def flow(self) -> Iterator[None]:
        """Numbers go to the app through each router meanwhile."""
        threads = [threading.Thread(target=self._ask, args=(name,)) for name in self._routers]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join(timeout=60)

    def darkened(self, host: str) -> None:
        """A host is about to lose its power."""
        self._darkened.append((host, moment()))

    def missing(self, before: float) -> list[Line]:
        """Lines that were written before a moment and that no logger has."""
        stored = set[int]()
        for path in log_files(self._cluster.home):
            if path.parent.name == "logs" and path.name.startswith(f"{self._app.name}.log"):
                with suppress(FileNotFoundError):  # It was just put aside.
                    stored.update(map(int, _WRITTEN.findall(path.read_bytes())))
        with self._lock:
            for number in [number for number in self._open if number in stored]:
                del self._open[number]
            return [line for line in self._open.values() if line.at < before and self._kept(line)]

    def _kept(self, line: Line) -> bool:
        """Whether it must be."""
        return not any(
            host == line.host and abs(line.at - at) < UNREAD for host, at in self._darkened
        )

    def _ask(self, router: str) -> None:
        address, port = self._cluster.address(router), self._cluster.http_port
        while not self._stop.wait(INTERVAL):
            with self._lock:
                self._number += 1
                number = self._number
            path = f"{COUNTED_PATH}?{number}"
            status, host = request(port, "GET", self._app.host, path, address=address)
            if status == 200:
                with self._lock:
                    self._open[number] = Line(number, host.strip(), moment())
                    self.written += 1
