"""The pre-receive hook's three pipes to the builder: refs come in, output and verdict go out.

They are inherited through git, so there is no path and no secret that somebody else could use;
when the builder dies they close, and the hook declines the push.
"""

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from deis_control.builder.errors import ViewerGone
from deis_control.builder.refs import REFS_LIMIT, RefLine, parse_line

_END = b"end"
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Request:
    """What the hook hands over."""

    quarantine: Path
    """Where the pushed objects are until the hook has ended well."""
    lines: tuple[RefLine, ...]


class Handover:
    """The pipes of one push; `fds` and `environment` are for git."""

    def __init__(self) -> None:
        request_read, request_write = os.pipe()
        answer_read, answer_write = os.pipe()
        verdict_read, verdict_write = os.pipe()
        self._request = os.fdopen(request_read, "rb", 0)
        self._answer = os.fdopen(answer_write, "wb", 0)
        self._verdict = os.fdopen(verdict_write, "wb", 0)
        self.fds: tuple[int, ...] = (request_write, answer_read, verdict_read)
        names = ("DEIS_REQUEST", "DEIS_ANSWER", "DEIS_VERDICT")
        self.environment: Mapping[str, str] = {
            name: str(fd) for name, fd in zip(names, self.fds, strict=True)
        }
        self._reading: asyncio.ReadTransport | None = None
        self._writing: PipeWriter | None = None

    def git_started(self) -> None:
        """Close the ends that git holds now: only it and its hook keep them open."""
        for fd in self.fds:
            os.close(fd)
        self.fds = ()

    async def request(self) -> Request | None:
        """What the hook says; None when git ends without asking it. Declined."""
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        self._reading, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), self._request
        )
        first = await reader.readline()
        if not first.endswith(b"\n"):
            return None
        quarantine = Path(os.fsdecode(first[:-1]))
        lines: list[bytes] = []
        async with asyncio.timeout(_PATIENCE):
            while (line := await reader.readline()).endswith(b"\n"):
                if line[:-1] == _END:
                    return Request(quarantine, tuple(parse_line(line) for line in lines))
                lines.append(line[:-1])
                del lines[REFS_LIMIT + 1 :]
        return None

    async def output(self) -> "PipeWriter":
        """The way to the pusher's screen."""
        loop = asyncio.get_running_loop()
        _, self._writing = await loop.connect_write_pipe(PipeWriter, self._answer)
        return self._writing

    def verdict(self, accepted: bool) -> None:
        """Say how it ended; nothing follows."""
        with suppress(OSError):
            self._verdict.write(b"accepted\n" if accepted else b"declined\n")
        self.close()

    def close(self) -> None:
        """Close all that is still open; a hook that waits declines."""
        if self.fds:
            self.git_started()
        if self._writing is not None:
            self._writing.close()
        else:
            self._answer.close()
        if self._reading is not None:
            self._reading.close()
        else:
            self._request.close()
        self._verdict.close()


class PipeWriter(asyncio.Protocol):
    """Writes to a pipe, waiting while the reader is slow."""

    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport | None = None
        self._free = asyncio.Event()
        self._free.set()
        self._gone = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The pipe is open."""
        self._transport = cast(asyncio.WriteTransport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody reads any more."""
        self._gone = True
        self._free.set()

    def pause_writing(self) -> None:
        """The reader is slow."""
        self._free.clear()

    def resume_writing(self) -> None:
        """The reader keeps up again."""
        self._free.set()

    async def write(self, data: bytes, *, patience: float) -> None:
        """Write; ViewerGone when nobody reads, or not for `patience` seconds."""
        if self._gone or self._transport is None or self._transport.is_closing():
            raise ViewerGone("the pusher is gone")
        self._transport.write(data)
        try:
            async with asyncio.timeout(patience):
                await self._free.wait()
        except TimeoutError as err:
            raise ViewerGone(f"the pusher read nothing for {patience:g} s") from err

    def close(self) -> None:
        """Write what is left and close."""
        if self._transport is not None:
            self._transport.close()
