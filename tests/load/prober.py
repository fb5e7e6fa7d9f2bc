"""Asks containers and routers, as often and as cheaply for everybody who is measured."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from deis_node.docker.client import Docker

AGAIN = 0.05
"""Seconds between two questions to the same port; many are asked at once, and that must not cost
what is measured."""
LOOK = 0.1
"""Seconds between two looks at the containers of an engine."""
PATIENCE = 0.5
"""Seconds that an answer may take: a packet that came before the port was there is lost, and the
kernel would send it again after a whole second."""


async def status(address: str, port: int, host: str, *, patience: float = PATIENCE) -> int:
    """The status that one GET on a new connection is answered with; 0 for none in that time."""
    try:
        async with asyncio.timeout(patience):
            reader, writer = await asyncio.open_connection(address, port)
            try:
                asked = f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
                writer.write(asked.encode())
                words = (await reader.readline()).split()
            finally:
                writer.transport.abort()
    except (OSError, TimeoutError):
        return 0
    return int(words[1]) if len(words) > 1 else 0


@dataclass
class Answering:
    """Finds the containers with a label on some engines, and asks each one's host port.

    `engines` has the engine's URL by the host's address.
    """

    engines: Mapping[str, str]
    label: str
    value: str
    seen: dict[str, float] = field(default_factory=dict)
    """Container → when its host port answered 200, in seconds since 1970."""

    async def wait(self, count: int, *, within: float = 300) -> None:
        """Wait until so many answer; TimeoutError."""
        async with asyncio.timeout(within), asyncio.TaskGroup() as group:
            looking = [
                group.create_task(self._look(address, url, group))
                for address, url in self.engines.items()
            ]
            while len(self.seen) < count:
                await asyncio.sleep(AGAIN)
            for task in looking:
                task.cancel()

    async def _look(self, address: str, url: str, group: asyncio.TaskGroup) -> None:
        asked: set[str] = set()
        query = {"filters": f'{{"label": ["{self.label}={self.value}"]}}'}
        async with Docker(url) as docker:
            while True:
                for item in await docker._ask("GET", "containers/json", params=query):
                    ports = [port["PublicPort"] for port in item["Ports"] if "PublicPort" in port]
                    if ports and item["Id"] not in asked:
                        asked.add(item["Id"])
                        group.create_task(self._ask(item["Id"], address, ports[0]))
                await asyncio.sleep(LOOK)

    async def _ask(self, container: str, address: str, port: int) -> None:
        while await status(address, port, "prober") != 200:
            await asyncio.sleep(AGAIN)
        self.seen[container] = time.time()
