"""A program's three streams relayed to an SSH channel and back, full duplex, with back-pressure."""

import asyncio
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import cast

from deis_control.builder.channel import GitChannel
from deis_control.builder.git import kill_group

_GRACE = 5.0
_STDIN, _STDOUT, _STDERR = 0, 1, 2


class Relay(asyncio.SubprocessProtocol):
    """Between one program and one channel; `channel.Sink` on the channel's side."""

    def __init__(self, channel: GitChannel) -> None:
        self._channel = channel
        self._transport: asyncio.SubprocessTransport | None = None
        self._stdin: asyncio.WriteTransport | None = None
        self.ended = asyncio.Event()
        """The program ended and all that it wrote was taken."""

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The program runs."""
        self._transport = cast(asyncio.SubprocessTransport, transport)
        self._stdin = cast(asyncio.WriteTransport, self._transport.get_pipe_transport(_STDIN))

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """The program wrote something."""
        if fd == _STDERR:
            self._channel.write_error(data)
        else:
            self._channel.write(data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """The program closed a stream: more input would go nowhere."""
        if fd == _STDIN:
            self._stdin = None
            self._channel.resume_input()

    def connection_lost(self, exc: Exception | None) -> None:
        """The program ended and its streams are read to their ends."""
        self.ended.set()

    def pause_writing(self) -> None:
        """The program is slower than the client."""
        self._channel.pause_input()

    def resume_writing(self) -> None:
        """The program keeps up again.

        The channel gives what it holds back at once, maybe with the end of input. asyncio's pipe
        calls this in the middle of its own work and would drop what is written and closed there.
        """
        asyncio.get_running_loop().call_soon(self._channel.resume_input)

    # What the channel calls.

    def input(self, data: bytes) -> None:
        """Bytes from the client."""
        if self._stdin is not None and not self._stdin.is_closing():
            self._stdin.write(data)

    def input_ended(self) -> None:
        """The client sends no more."""
        if self._stdin is not None and not self._stdin.is_closing():
            self._stdin.close()

    def pause_output(self) -> None:
        """The client is slower than the program."""
        for pipe in self._outputs():
            pipe.pause_reading()

    def resume_output(self) -> None:
        """The client keeps up again."""
        for pipe in self._outputs():
            pipe.resume_reading()

    def client_gone(self) -> None:
        """Nobody is there any more: let the program end, soon or by force."""
        self.resume_output()
        self._kill(signal.SIGTERM)
        asyncio.get_running_loop().call_later(_GRACE, self._kill, signal.SIGKILL)

    async def finish(self, deadline: float) -> int:
        """Wait for the program's end, at most `deadline` seconds, and tell its exit status."""
        assert self._transport is not None
        try:
            async with asyncio.timeout(deadline):
                await self.ended.wait()
        except TimeoutError:
            self._kill(signal.SIGKILL)
            with suppress(TimeoutError):
                async with asyncio.timeout(_GRACE):
                    await self.ended.wait()
        finally:
            self._kill(signal.SIGKILL)
            self._transport.close()
        status = self._transport.get_returncode()
        return 1 if status is None or status < 0 else status

    def _outputs(self) -> list[asyncio.ReadTransport]:
        if self._transport is None:
            return []
        pipes = (self._transport.get_pipe_transport(fd) for fd in (_STDOUT, _STDERR))
        return [
            cast(asyncio.ReadTransport, pipe)
            for pipe in pipes
            if pipe is not None and not pipe.is_closing()
        ]

    def _kill(self, number: signal.Signals) -> None:
        if self._transport is not None and self._transport.get_returncode() is None:
            kill_group(self._transport.get_pid(), number)


async def start(
    channel: GitChannel,
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    pass_fds: Sequence[int] = (),
) -> Relay:
    """Start a program and let the client talk to it."""
    loop = asyncio.get_running_loop()
    _, protocol = await loop.subprocess_exec(
        lambda: Relay(channel),
        *argv,
        cwd=cwd,
        env=dict(env),
        pass_fds=tuple(pass_fds),
        start_new_session=True,
    )
    channel.attach(protocol)
    return protocol
