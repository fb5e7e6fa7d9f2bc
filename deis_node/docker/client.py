"""A client of one Docker Engine: `async with Docker("unix:///run/docker.sock") as docker`.

Every call has a deadline and raises the classes of `errors.py` only. A stream (`logs`, `events`,
`build`) is an asynchronous generator: leave it early inside `contextlib.aclosing`, so that its
connection is closed at once.
"""

import json
import time
from collections.abc import AsyncGenerator, Mapping

from deis_node.docker import events, model
from deis_node.docker.containers import ContainerCalls
from deis_node.docker.errors import Unavailable
from deis_node.docker.events import Event, Subscribed
from deis_node.docker.images import ImageCalls
from deis_node.docker.model import EngineInfo
from deis_node.docker.services import ServiceCalls


class Docker(ContainerCalls, ImageCalls, ServiceCalls):
    """One Docker Engine.

    `url` is `unix://<path>` or `tcp://<address>:<port>`; `timeout` is how many seconds a plain
    question may take. Safe to use from many tasks at once; any number of streams may be open.
    """

    async def version(self) -> str:
        """The engine's version, such as `20.10.24+dfsg1`."""
        return str((await self._ask("GET", "version"))["Version"])

    async def info(self) -> EngineInfo:
        """What the engine says about itself and its host."""
        return model.engine_info(await self._ask("GET", "info"))

    async def events(self, label_filters: Mapping[str, str]) -> AsyncGenerator[Event, None]:
        """What happens to containers with these labels, from now on, `Subscribed` first.

        Ends only by Unavailable, when the engine goes away; to ask again is the caller's.
        """
        wanted = {
            "type": ["container"],
            "event": list(events.ACTIONS),
            "label": [f"{key}={value}" if value else key for key, value in label_filters.items()],
        }
        # The engine answers before it has subscribed; what falls in between it tells again.
        params = {"filters": json.dumps(wanted), "since": f"{time.time():.9f}"}
        async with self._open("GET", "events", params=params) as answer:
            yield Subscribed()
            async for entry in answer.entries():
                event = events.parse(entry)
                if event is not None:
                    yield event
        raise Unavailable("the Docker Engine ended the stream of its events")
