"""Images on their way to this host: each is fetched once, however many copies wait for it."""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from deis_node.containers.restarts import Failures, after_failure
from deis_node.docker.client import Docker
from deis_node.docker.errors import DockerError
from deis_node.runtime.tasks import Tasks

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an image could not be fetched so far."""

    text: str
    failures: Failures


class Pulls:
    """Fetches images in the background; `done` is called with the reference after each try.

    `begun` is called with each reference whose fetch begins. After a failed try comes a pause of
    `first` seconds, doubling up to `longest`.
    """

    def __init__(
        self,
        docker: Docker,
        tasks: Tasks,
        done: Callable[[str], None],
        *,
        first: float,
        longest: float,
        begun: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._begun = begun
        self._docker = docker
        self._tasks = tasks
        self._done = done
        self._first = first
        self._longest = longest
        self._numbers = itertools.count(1)
        self._running: set[str] = set()
        self._faults: dict[str, Fault] = {}

    def begin(self, reference: str) -> str | None:
        """Fetch an image unless it is on its way; why not, while the pause after a fault lasts."""
        fault = self._faults.get(reference)
        if reference in self._running:
            return None
        if fault is not None and _now() < fault.failures.resume_at:
            return fault.text
        self._begun(reference)
        self._running.add(reference)
        self._tasks.start(f"pull {next(self._numbers)}", self._pull(reference))
        return None

    async def _pull(self, reference: str) -> None:
        log.info("image pull started", image=reference)
        try:
            await self._docker.pull(reference)
        except DockerError as err:
            self._failed(reference, err.text)
        else:
            self._faults.pop(reference, None)
            log.info("image pulled", image=reference)
        finally:
            self._running.discard(reference)
        self._done(reference)

    def _failed(self, reference: str, text: str) -> None:
        fault = self._faults.get(reference)
        before = Failures() if fault is None else fault.failures
        failures = after_failure(before, first=self._first, longest=self._longest, now=_now())
        self._faults[reference] = Fault(text, failures)
        log.warning("image pull failed", image=reference, error=text)


def _now() -> float:
    return asyncio.get_running_loop().time()
