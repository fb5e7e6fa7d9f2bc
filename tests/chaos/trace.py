"""What happened in a run, a JSON object a line, written as it happens."""

import json
import threading
import time
from pathlib import Path
from typing import Any


class Trace:
    """A file that is added to, from several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._began = time.monotonic()
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")

    def seconds(self, moment: float) -> float:
        """A moment as the trace tells it: seconds since the beginning."""
        return round(moment - self._began, 2)

    def note(self, event: str, **words: Any) -> None:
        """One line, of now."""
        seconds = self.seconds(time.monotonic())
        line = json.dumps({"t": seconds, "event": event, **words}, default=str)
        with self._lock, self.path.open("a") as file:
            file.write(line + "\n")

    def tail(self, count: int) -> list[str]:
        """The last lines."""
        return self.path.read_text().splitlines()[-count:]
