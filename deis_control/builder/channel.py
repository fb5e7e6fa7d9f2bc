"""One SSH session channel: what it may run, and its bytes in both directions with back-pressure."""

import asyncio
from collections.abc import Callable
from typing import Protocol

import asyncssh
import structlog

from deis_control.builder import commands
from deis_control.builder.commands import Command

log = structlog.get_logger()


class Sink(Protocol):
    """The program behind a channel, as the channel sees it."""

    def input(self, data: bytes) -> None:
        """Bytes from the client."""

    def input_ended(self) -> None:
        """The client sends no more."""

    def pause_output(self) -> None:
        """The client is slower than the program."""

    def resume_output(self) -> None:
        """The client keeps up again."""

    def client_gone(self) -> None:
        """The channel is closed."""


class GitChannel(asyncssh.SSHServerSession[bytes]):
    """A session channel that takes `exec` requests and nothing else.

    `start` is called with the channel once a command was accepted; from then on the channel is
    the command's, until `exit`.
    """

    def __init__(
        self, start: Callable[["GitChannel", Command], None], ended: Callable[[], None]
    ) -> None:
        self._start = start
        self._ended = ended
        self._chan: asyncssh.SSHServerChannel[bytes] | None = None
        self._command: Command | None = None
        self._sink: Sink | None = None
        self._input_over = False
        self._slow = False
        self.closed = asyncio.Event()

    def attach(self, sink: Sink) -> None:
        """Let bytes flow between the client and the program."""
        self._sink = sink
        if self.closed.is_set():
            sink.client_gone()
            return
        if self._slow:
            sink.pause_output()
        if self._input_over:
            sink.input_ended()
        self.resume_input()

    def write(self, data: bytes) -> None:
        """Bytes for the client's standard output."""
        self._write(data, None)

    def write_error(self, data: bytes) -> None:
        """Bytes for the client's standard error."""
        self._write(data, asyncssh.EXTENDED_DATA_STDERR)

    def say(self, text: str) -> None:
        """A line for the person, on standard error."""
        self.write_error(text.encode("utf-8", "replace") + b"\n")

    def exit(self, status: int) -> None:
        """End the command with its exit status."""
        if self._chan is not None and not self.closed.is_set():
            self._chan.exit(status)

    def pause_input(self) -> None:
        """The program is slower than the client."""
        if self._chan is not None:
            self._chan.pause_reading()

    def resume_input(self) -> None:
        """The program keeps up again."""
        if self._chan is not None and not self.closed.is_set():
            self._chan.resume_reading()

    def _write(self, data: bytes, kind: int | None) -> None:
        if self._chan is not None and not self.closed.is_set() and not self._chan.is_closing():
            self._chan.write(data, kind)

    # What asyncssh calls.

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        """The channel is open."""
        self._chan = chan

    def exec_requested(self, command: str) -> bool:
        """Whether the command is one that the builder runs."""
        self._command = commands.parse(command)
        if self._command is None:
            log.info("command refused", command=commands.shown(command))
        return self._command is not None

    def session_started(self) -> None:
        """The command was accepted."""
        assert self._command is not None
        self.pause_input()
        self._start(self, self._command)

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Bytes from the client."""
        if self._sink is not None:
            self._sink.input(data)

    def eof_received(self) -> bool:
        """The client sends no more; the channel stays open for the answer."""
        self._input_over = True
        if self._sink is not None:
            self._sink.input_ended()
        return True

    def pause_writing(self) -> None:
        """The client is slower than the program."""
        self._slow = True
        if self._sink is not None:
            self._sink.pause_output()

    def resume_writing(self) -> None:
        """The client keeps up again."""
        self._slow = False
        if self._sink is not None:
            self._sink.resume_output()

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is closed, by whichever side."""
        self.closed.set()
        self._ended()
        if self._sink is not None:
            self._sink.client_gone()
