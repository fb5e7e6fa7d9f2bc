"""The only place that creates tasks, so that every task has a name and an owner."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

import structlog

from deis_node.runtime.backoff import Backoff

log = structlog.get_logger()

_T = TypeVar("_T")


async def forever(
    name: str,
    body: Callable[[], Awaitable[None]],
    *,
    initial: float = 0.1,
    maximum: float = 5.0,
) -> None:
    """Run `body` again and again, for loops that must survive.

    An exception and an unexpected return are logged under `name` and followed by a pause of
    `initial` to `maximum` seconds; a body that lasted longer than `maximum` starts over with
    `initial`. Only cancellation ends it.
    """
    backoff = Backoff(initial, maximum)
    clock = asyncio.get_running_loop().time
    while True:
        started = clock()
        try:
            await body()
        except Exception as err:  # the guard of loops that must survive
            log.error("loop failed", task=name, error=str(err), exc_info=err)
        else:
            log.error("loop ended unexpectedly", task=name)
        if clock() - started > maximum:
            backoff.reset()
        await backoff.wait()


def spawn(group: asyncio.TaskGroup, name: str, coro: Coroutine[Any, Any, _T]) -> "asyncio.Task[_T]":
    """Start a named task in a group; the group owns it."""
    return group.create_task(coro, name=name)


class Tasks:
    """Owns a changing set of named tasks; leaving its context cancels those that are left.

    The failure of one never ends another: it is logged with the task's name.
    """

    def __init__(self, *, patience: float = 10.0) -> None:
        self._tasks: dict[str, asyncio.Task[Any]] = {}
        self._patience = patience

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop(self._patience)

    def __contains__(self, name: str) -> bool:
        return name in self._tasks

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the tasks that have not ended."""
        return tuple(self._tasks)

    def start(self, name: str, coro: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Start a task; ValueError when one of this name has not ended yet."""
        if name in self._tasks:
            coro.close()
            raise ValueError(f"a task {name} is running already")
        task = asyncio.create_task(coro, name=name)  # noqa: TID251 - this is the place
        self._tasks[name] = task
        task.add_done_callback(self._ended)
        return task

    def cancel(self, name: str) -> bool:
        """Ask a task to end; False when there is none of this name.

        The name is free again when the task has ended, see `end`.
        """
        task = self._tasks.get(name)
        return task is not None and task.cancel()

    async def end(self, name: str, timeout: float) -> bool:
        """Cancel one task and wait for its end; False when it hangs longer than `timeout` s."""
        return await self._end({name} & set(self._tasks), timeout)

    async def stop(self, timeout: float) -> bool:
        """Cancel all and wait for their end; False, and a log line naming them, if some hang."""
        return await self._end(set(self._tasks), timeout)

    async def _end(self, names: set[str], timeout: float) -> bool:
        tasks = {self._tasks[name] for name in names} - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        if not tasks:
            return True
        _, hanging = await asyncio.wait(tasks, timeout=timeout)
        if hanging:
            log.error("tasks hang", tasks=sorted(task.get_name() for task in hanging))
        return not hanging

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        name = task.get_name()
        if self._tasks.get(name) is task:
            del self._tasks[name]
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            log.error("task failed", task=name, error=str(error), exc_info=error)
