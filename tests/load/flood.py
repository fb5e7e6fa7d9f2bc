"""An open-loop flood: a request is sent when it is due, whatever became of those before it.

Each has a connection of its own, from one of many loopback addresses as if from many clients, so
that no pair of ports is used twice within a minute. Bare sockets and epoll, because the load must
cost less than what it is to overwhelm. `python -m tests.load.flood PORT RATE SECONDS < REQUEST`
prints one JSON object, see `Told`.
"""

import json
import select
import socket
import sys
import time
from dataclasses import asdict, dataclass, field
from itertools import count

PATIENCE = 5.0
"""Seconds after which a request without an answer is lost."""
_SOURCES = 200
_BIND_ADDRESS_NO_PORT = 24
_BURST = 64
"""Requests sent before answers are looked at."""


@dataclass
class Told:
    """What came of it; times in seconds from when the request was due, of answers by status."""

    sent: int = 0
    rate: float = 0.0
    """Requests a second that were really sent."""
    lost: int = 0
    answers: dict[int, int] = field(default_factory=dict)
    p50: dict[int, float] = field(default_factory=dict)
    p99: dict[int, float] = field(default_factory=dict)


class Flood:
    """One run."""

    def __init__(self, port: int, request: bytes) -> None:
        self._port = port
        self._request = request
        self._poll = select.epoll()
        self._open: dict[int, tuple[socket.socket, float]] = {}
        self._times: dict[int, list[float]] = {}
        self._lost = 0
        self._number = count()

    def run(self, rate: float, seconds: float) -> Told:
        """Send for so long, and wait for the last answers."""
        began, sent, total = time.monotonic(), 0, int(rate * seconds)
        while sent < total:
            due = int((time.monotonic() - began) * rate) + 1
            for _ in range(min(due - sent, total - sent, _BURST)):
                self._send(began + sent / rate)
                sent += 1
            self._answers(max(0.0, began + sent / rate - time.monotonic()))
        took = time.monotonic() - began
        while self._open and time.monotonic() < began + took + PATIENCE:
            self._answers(0.1)
        return self._told(sent, took)

    def _send(self, due: float) -> None:
        source = f"127.0.1.{next(self._number) % _SOURCES + 1}"
        try:
            client = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        except OSError:
            self._lost += 1
            return
        try:
            client.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
            client.bind((source, 0))
            client.connect_ex(("127.0.0.1", self._port))
            client.send(self._request)
            self._poll.register(client, select.EPOLLIN)
        except BlockingIOError:
            self._poll.register(client, select.EPOLLOUT)
        except OSError:
            self._lost += 1
            client.close()
            return
        self._open[client.fileno()] = (client, due)

    def _answers(self, timeout: float) -> None:
        for descriptor, event in self._poll.poll(timeout):
            client, due = self._open[descriptor]
            try:
                if event & select.EPOLLOUT:
                    client.send(self._request)
                    self._poll.modify(client, select.EPOLLIN)
                    continue
                status = int(client.recv(4096).split(b" ", 2)[1])
                self._times.setdefault(status, []).append(time.monotonic() - due)
            except (OSError, ValueError, IndexError):
                self._lost += 1
            del self._open[descriptor]
            client.close()

    def _told(self, sent: int, took: float) -> Told:
        told = Told(sent, round(sent / took, 1), self._lost + len(self._open))
        for status, times in sorted(self._times.items()):
            times.sort()
            told.answers[status] = len(times)
            told.p50[status] = times[len(times) // 2]
            told.p99[status] = times[int(len(times) * 0.99)]
        return told


if __name__ == "__main__":
    flood = Flood(int(sys.argv[1]), sys.stdin.buffer.read())
    print(json.dumps(asdict(flood.run(float(sys.argv[2]), float(sys.argv[3])))))
