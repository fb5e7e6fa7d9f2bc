"""Asks a copy that was ready whether it still lives, for as long as its run goes on.

Only a run that was ready once is asked: how long a copy may take to come up is for the rollout to
say (docs/decisions/0047).
"""

import asyncio
import itertools
from collections.abc import Callable

from deis_node.cluster.names import CopyName
from deis_node.cluster.records import HealthCheck, Placement
from deis_node.publisher import probe
from deis_node.publisher.plan import Copy
from deis_node.publisher.settings import PublisherSettings
from deis_node.runtime.tasks import Tasks

Hangs = Callable[[str, str, str], None]
"""Called with a copy's container name, its run, and why that run must end."""

_numbers = itertools.count(1)


class Life:
    """The liveness check of one copy."""

    def __init__(
        self, name: CopyName, tasks: Tasks, settings: PublisherSettings, hangs: Hangs
    ) -> None:
        self._name = name
        self._tasks = tasks
        self._settings = settings
        self._hangs = hangs
        self._task = ""
        self._run: str | None = None

    def keep(self, copy: Copy, placement: Placement, *, ready: bool) -> None:
        """Have the copy's present run asked, from when it is ready on, and no other."""
        if copy.run == self._run:
            return
        self.end()
        check, address = placement.liveness, copy.address
        if copy.run is None or check is None or address is None or not ready:
            return
        self._run = copy.run
        self._task = f"liveness {self._name.container} #{next(_numbers)}"
        self._tasks.start(self._task, self._ask(copy.run, address, check))

    def end(self) -> None:
        """Ask no more."""
        if self._run is not None:
            self._tasks.cancel(self._task)
            self._run = None

    async def _ask(self, run: str, address: str, check: HealthCheck) -> None:
        """Ask until the run fails too often in a row, and say so once."""
        settings, failures = self._settings, 0
        while True:
            await asyncio.sleep(settings.liveness_again if failures else settings.liveness)
            error = await probe.failed_health(address, check, "liveness check")
            failures = 0 if error is None else failures + 1
            if failures >= settings.liveness_failures:
                self._hangs(self._name.container, run, why(failures, str(error)))
                return


def why(failures: int, error: str) -> str:
    """Why a run is ended, without the copy's name. PURE."""
    return f"was ended after {failures} failures in a row: {error}"
