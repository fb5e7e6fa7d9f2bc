"""A hold on one process that never becomes a hold on another of the same number (pidfd_open(2))."""

import os
import select
import signal
from collections.abc import Callable
from typing import Self


class Handle:
    """One process, whoever its parent is; `close` lets go of it."""

    def __init__(self, pid: int) -> None:
        """ProcessLookupError when there is none of this number."""
        self.pid = pid
        self.fd = os.pidfd_open(pid)

    @classmethod
    def of(cls, pid: int, fits: Callable[[int], bool]) -> Self | None:
        """A hold on the process that fits; None when it does not, or has gone.

        It is asked after the hold is there: by then the number may be another process's.
        """
        try:
            handle = cls(pid)
        except (OSError, ValueError):
            return None
        if not fits(pid):
            handle.close()
            return None
        return handle

    @property
    def alive(self) -> bool:
        """Whether the process has not ended."""
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        return not poll.poll(0)

    def send(self, number: signal.Signals) -> None:
        """Send a signal; nothing when the process has ended."""
        try:
            signal.pidfd_send_signal(self.fd, number)
        except ProcessLookupError:
            return

    def close(self) -> None:
        """Let go of it."""
        os.close(self.fd)
