"""Steps on the screen: what is being done, how long it took, and why it did not work."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from deis_cli.deisctl.local.errors import LocalError, StepFailed


class Progress:
    """Prints one line a step; on a terminal the line is completed in place."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Announce a step and say how it ended."""
        began = time.monotonic()
        self._print(f"{title:<46}", end="")
        try:
            yield
        except LocalError as err:
            self._print("failed")
            self._explain(err)
            raise
        except BaseException:
            self._print("interrupted")
            raise
        self._print(f"done {time.monotonic() - began:6.1f} s")

    def line(self, text: str = "") -> None:
        """Print a line as it is."""
        self._print(text)

    def _explain(self, err: LocalError) -> None:
        if isinstance(err, StepFailed) and err.log_tail:
            for line in err.log_tail.splitlines():
                self._print(f"    | {line}")

    def _print(self, text: str, end: str = "\n") -> None:
        self._stream.write(text + end)
        self._stream.flush()
