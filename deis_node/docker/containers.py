"""What is asked about containers and done to them."""

import json
import math
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from deis_node.docker import model
from deis_node.docker.errors import DockerError, NotFound, StartFailed, Unavailable
from deis_node.docker.model import Container, ContainerInfo, LogChunk, Output
from deis_node.docker.streams import (
    Demultiplexer,
    container_path,
    log_chunk,
    since_parameter,
)
from deis_node.docker.wire import Wire

_SLOW = 120.0
"""Seconds for what waits on a disk or on the runtime under load: create, start, remove."""


class ContainerCalls(Wire):
    """The part of `client.Docker` that is about containers."""

    async def list(self, label_filters: Mapping[str, str]) -> tuple[Container, ...]:
        """All containers in any state whose labels have these values; an empty value: any."""
        wanted = [f"{key}={value}" if value else key for key, value in label_filters.items()]
        params = {"all": "1", "filters": json.dumps({"label": wanted})}
        answer = await self._ask("GET", "containers/json", params=params)
        return tuple(model.container(entry) for entry in answer)

    async def inspect(self, container: str) -> ContainerInfo:
        """One container by id or name; NotFound."""
        answer = await self._ask("GET", f"containers/{container_path(container)}/json")
        return model.container_info(answer)

    async def create(self, name: str, body: Mapping[str, Any]) -> str:
        """Make a container of the engine's create body and give its id.

        Conflict when the name is taken, NotFound when the engine has no such image.
        """
        params = {"name": container_path(name)}
        answer = await self._ask(
            "POST", "containers/create", params=params, body=body, deadline=_SLOW
        )
        return str(answer["Id"])

    async def start(self, container: str) -> None:
        """Start a container; one that runs is left alone. NotFound; StartFailed with the reason."""
        path = f"containers/{container_path(container)}/start"
        try:
            await self._ask("POST", path, deadline=_SLOW)
        except Unavailable:
            raise
        except NotFound as err:
            # The runtime's "no such file" has the same status as a container that is not there.
            if "no such container" in err.text.lower():
                raise
            raise StartFailed(err.text) from err
        except DockerError as err:
            raise StartFailed(err.text) from err

    async def stop(self, container: str, grace: float) -> None:
        """SIGTERM (or the image's own signal), `grace` seconds, SIGKILL. NotFound.

        Comes back when the container is down; one that is down already is left alone.
        """
        await self._ask(
            "POST",
            f"containers/{container_path(container)}/stop",
            params={"t": str(math.ceil(grace))},
            deadline=grace + 10,
        )

    async def kill(self, container: str, signal: str = "SIGKILL") -> None:
        """Send a signal to a container's first process. NotFound; Conflict when it is down."""
        path = f"containers/{container_path(container)}/kill"
        await self._ask("POST", path, params={"signal": signal})

    async def remove(self, container: str, force: bool = False) -> None:
        """Remove a container and its nameless volumes; `force` kills it first.

        NotFound; Conflict when it runs, or when its removal is under way.
        """
        params = {"force": "1" if force else "0", "v": "1"}
        path = f"containers/{container_path(container)}"
        await self._ask("DELETE", path, params=params, deadline=_SLOW)

    async def logs(
        self, container: str, *, since: str | None = None, follow: bool = False
    ) -> AsyncGenerator[LogChunk, None]:
        """The container's log as it was written, without what is older than `since`.

        `since` is a `LogChunk.timestamp`. The engine reads stdout and stderr beside each other,
        so an entry may have an earlier time stamp than one before it: who goes on from a time
        stamp reads with an overlap. With `follow` the log goes on until the container ends.
        NotFound; Unavailable when the engine breaks off.
        """
        params = {"stdout": "1", "stderr": "1", "timestamps": "1", "follow": "1" if follow else "0"}
        if since is not None:
            params["since"] = since_parameter(since)
        demultiplexer = Demultiplexer()
        path = f"containers/{container_path(container)}/logs"
        idle = None if follow else self._timeout
        async with self._open("GET", path, params=params, idle=idle) as answer:
            while piece := await answer.read():
                for stream, payload in demultiplexer.feed(piece):
                    yield log_chunk(stream, payload)

    async def output(self, container: str, limit: int) -> Output:
        """What an ended container wrote, byte for byte, at most its last `limit` bytes.

        NotFound; Unavailable when the engine breaks off.
        """
        demultiplexer = Demultiplexer()
        path = f"containers/{container_path(container)}/logs"
        params = {"stdout": "1", "stderr": "1"}
        kept, size = bytearray(), 0
        async with self._open("GET", path, params=params, idle=self._timeout) as answer:
            while piece := await answer.read():
                for _, payload in demultiplexer.feed(piece):
                    kept += payload
                    size += len(payload)
                if len(kept) > 2 * limit:
                    del kept[:-limit]
        return Output(bytes(kept[max(len(kept) - limit, 0) :]), truncated=size > limit)

    async def tail(self, container: str, lines: int) -> tuple[str, ...]:
        """The last lines of a container's log, both streams, oldest first. NotFound."""
        params = {"stdout": "1", "stderr": "1", "tail": str(lines)}
        path = f"containers/{container_path(container)}/logs"
        demultiplexer = Demultiplexer()
        text = b""
        async with self._open("GET", path, params=params, deadline=self._timeout) as answer:
            while piece := await answer.read():
                text += b"".join(payload for _, payload in demultiplexer.feed(piece))
        return tuple(text.decode(errors="replace").splitlines()[-lines:])
